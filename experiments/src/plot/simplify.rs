//! Fewer points for the same picture: a curve of a million steps is drawn from about as many points as it has pixels.

use super::canvas::Point;

/// Points closer than this (pixels) to the line through their neighbours are not seen.
const TOLERANCE: f64 = 0.15;
/// Columns per pixel.
const COLUMNS: f64 = 2.0;

/// A polyline that looks like `points`. First and last points stay.
///
/// Two passes: of the points in one half-pixel column only the first, lowest, highest and last stay (which bounds their
/// number), then Ramer, Douglas and Peucker's method drops points on straight stretches.
pub(super) fn simplify(points: &[Point]) -> Vec<Point> {
    straighten(&thin(points))
}

fn thin(points: &[Point]) -> Vec<Point> {
    let column = |point: &Point| (point.0 * COLUMNS).floor();
    let mut kept = Vec::with_capacity(points.len().min(8192));
    for run in points.chunk_by(|a, b| column(a) == column(b)) {
        if run.len() <= 4 {
            kept.extend(run);
            continue;
        }
        let by_height = |a: &usize, b: &usize| run[*a].1.total_cmp(&run[*b].1);
        let lowest = (0..run.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..run.len()).max_by(by_height).unwrap_or(0);
        let mut picks = [0, lowest, highest, run.len() - 1];
        picks.sort_unstable();
        kept.extend(picks.map(|index| run[index]));
    }
    kept.dedup();
    kept
}

fn straighten(points: &[Point]) -> Vec<Point> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    let mut open = vec![(0, points.len() - 1)];
    while let Some((first, last)) = open.pop() {
        let mut farthest = (0.0, first);
        for index in first + 1..last {
            let distance = distance_to_segment(points[index], points[first], points[last]);
            if distance > farthest.0 {
                farthest = (distance, index);
            }
        }
        if farthest.0 > TOLERANCE {
            keep[farthest.1] = true;
            open.push((first, farthest.1));
            open.push((farthest.1, last));
        }
    }
    let kept = points.iter().zip(&keep).filter(|(_, keep)| **keep);
    kept.map(|(point, _)| *point).collect()
}

fn distance_to_segment(point: Point, from: Point, to: Point) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    let length_squared = dx * dx + dy * dy;
    let share = if length_squared > 0.0 {
        ((px * dx + py * dy) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (px - share * dx).hypot(py - share * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_two_points() {
        let points: Vec<Point> = (0..500)
            .map(|i| (f64::from(i), 2.0 * f64::from(i)))
            .collect();
        assert_eq!(simplify(&points), [(0.0, 0.0), (499.0, 998.0)]);
    }

    #[test]
    fn a_noisy_curve_keeps_its_extremes_and_is_bounded() {
        let points: Vec<Point> = (0..100_000_u32)
            .map(|i| {
                let noise = f64::from(i.wrapping_mul(2_654_435_761) >> 20) / 40.96;
                (f64::from(i) / 1_000.0, noise)
            })
            .collect();
        let simple = simplify(&points);
        // 100 pixels, 2 columns each, at most 4 points per column.
        assert!(simple.len() <= 804, "{}", simple.len());
        let extreme = |points: &[Point]| {
            points
                .iter()
                .fold((f64::MAX, f64::MIN), |(low, high), point| {
                    (low.min(point.1), high.max(point.1))
                })
        };
        assert_eq!(extreme(&simple), extreme(&points));
    }

    #[test]
    fn short_input_is_untouched() {
        assert_eq!(simplify(&[]), []);
        assert_eq!(simplify(&[(1.0, 1.0)]), [(1.0, 1.0)]);
    }
}
