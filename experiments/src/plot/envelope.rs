//! Straight lines over a share between 0 and 1 and their upper envelope: α-vectors over the beliefs of two states.

use super::PlotError;
use super::axis::{Range, Scale, drawable};
use super::canvas::{Canvas, Paint, Point, document};
use super::frame::{
    Area, EDGE, SMALL, heading, heading_height, hidden_note, horizontal_axis, horizontal_ticks,
    no_data, note, spines, vertical_axis, vertical_ticks, widest,
};
use super::legend::{Entry, LEGEND_ROOM, Look, NAME_STEP, RADIUS, legend};
use super::marker::marker;
use super::palette::series as colour_of;

/// Lines over a share between 0 and 1, in groups of one colour each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EnvelopePlot {
    /// What is shown.
    pub title: String,
    /// How it was made.
    pub subtitle: String,
    /// What the share is: `probability of tiger-right`.
    pub share_label: String,
    /// What the lines say: `value`.
    pub value_label: String,
    /// Names of the groups; a line names its group by the place in this list.
    pub groups: Vec<String>,
    /// The lines; not all of them need be on the envelope.
    pub lines: Vec<EnvelopeLine>,
}

/// A line of an [`EnvelopePlot`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnvelopeLine {
    /// Its group.
    pub group: usize,
    /// Its value at 0 and at 1.
    pub ends: [f64; 2],
}

impl EnvelopeLine {
    fn at(&self, share: f64) -> f64 {
        self.ends[0] + share * (self.ends[1] - self.ends[0])
    }
}

const WIDTH: f64 = 860.0;
const PLOT_HEIGHT: f64 = 350.0;
const FOOT: f64 = 50.0;
/// How far below the envelope lines are shown, as a share of its height.
const BELOW: f64 = 0.6;

/// Draws the upper envelope, and faintly the rest of the lines that it is made of. Lines that are nowhere the largest are
/// left out, and what lies far below the envelope is out of view.
///
/// # Errors
/// [`PlotError::Draw`] if the backend fails.
pub fn envelope_plot(plot: &EnvelopePlot) -> Result<String, PlotError> {
    let can = |line: &&EnvelopeLine| {
        line.ends.iter().all(|end| drawable(Scale::Linear, *end)) && line.group < plot.groups.len()
    };
    let lines: Vec<EnvelopeLine> = plot.lines.iter().filter(can).copied().collect();
    let pieces = envelope(&lines);
    let remark = hidden_note(plot.lines.len() - lines.len(), false);
    let name_room = widest(plot.groups.iter().map(String::as_str), SMALL).min(200.0);
    let top = heading_height(&plot.title, &plot.subtitle) + 8.0;
    let plot_height = PLOT_HEIGHT.max(plot.groups.len() as f64 * NAME_STEP);
    let bottom = top + plot_height;
    let height = bottom + FOOT + if remark.is_some() { 18.0 } else { 0.0 };

    document(WIDTH, height, &plot.title, |canvas| {
        heading(canvas, &plot.title, &plot.subtitle, WIDTH)?;
        if let Some(remark) = &remark {
            note(canvas, height - 12.0, remark, WIDTH)?;
        }
        let Some((x, y)) = ranges(&lines, &pieces) else {
            return no_data(canvas, (0.5 * WIDTH, 0.5 * (top + bottom)));
        };
        let y_ticks = vertical_ticks(&y, plot_height);
        let tick_room = widest(y_ticks.iter().map(|tick| tick.label.as_str()), SMALL);
        let area = Area {
            left: EDGE + 20.0 + tick_room + 8.0,
            top,
            right: WIDTH - EDGE - name_room - LEGEND_ROOM,
            bottom,
        };
        let x_ticks = horizontal_ticks(&x, area.width());
        horizontal_axis(canvas, &area, &x, &x_ticks, &plot.share_label)?;
        let label = (plot.value_label.as_str(), EDGE + 4.0);
        vertical_axis(canvas, &area, &y, &y_ticks, label)?;
        spines(canvas, &area)?;
        Drawn {
            area,
            y,
            lines: &lines,
        }
        .paint(canvas, &pieces)?;
        legend(
            canvas,
            &area,
            &entries(plot, &area, &y, &lines, &pieces),
            name_room,
        )
    })
}

/// A stretch of the envelope.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    line: usize,
    from: f64,
    to: f64,
}

/// Which line is the largest where.
fn envelope(lines: &[EnvelopeLine]) -> Vec<Piece> {
    let slope = |line: &EnvelopeLine| line.ends[1] - line.ends[0];
    let mut pieces = Vec::new();
    let mut from = 0.0;
    // At the left end the largest line, and of equal ones the steepest, which is the largest right after it.
    let order = |a: &usize, b: &usize| {
        let (a, b) = (&lines[*a], &lines[*b]);
        a.ends[0]
            .total_cmp(&b.ends[0])
            .then(slope(a).total_cmp(&slope(b)))
    };
    let mut next = (0..lines.len()).max_by(order);
    while let Some(line) = next.take() {
        let mut to = 1.0;
        for (other, steeper) in lines.iter().enumerate() {
            let faster = slope(steeper) - slope(&lines[line]);
            if faster > 0.0 {
                let meet = ((lines[line].ends[0] - steeper.ends[0]) / faster).max(from);
                // Of those that meet it at one place the steepest goes on.
                let first = meet < to;
                let tied = meet <= to && next.is_some_and(|n| slope(steeper) > slope(&lines[n]));
                if first || tied {
                    to = meet;
                    next = Some(other);
                }
            }
        }
        if to > from || lines.len() == 1 {
            pieces.push(Piece { line, from, to });
        }
        from = to;
    }
    pieces
}

/// The ranges of both axes.
fn ranges(lines: &[EnvelopeLine], pieces: &[Piece]) -> Option<(Range, Range)> {
    let tops = || {
        let ends = |piece: &Piece| [piece.from, piece.to].map(|share| lines[piece.line].at(share));
        pieces.iter().flat_map(ends)
    };
    let low = tops().fold(f64::INFINITY, f64::min);
    let high = tops().fold(f64::NEG_INFINITY, f64::max);
    // Of the lines' rest no more is shown than there is, and the envelope keeps most of the room.
    let lowest = pieces.iter().flat_map(|piece| lines[piece.line].ends);
    let lowest = lowest.fold(f64::INFINITY, f64::min);
    let below = lowest.max(low - BELOW * (high - low));
    let x = Range::of(Scale::Linear, [0.0, 1.0], 0.0)?;
    let y = Range::of(Scale::Linear, tops().chain([below]), 0.04)?;
    Some((x, y))
}

struct Drawn<'a> {
    area: Area,
    y: Range,
    lines: &'a [EnvelopeLine],
}

impl Drawn<'_> {
    fn place(&self, share: f64, value: f64) -> Option<Point> {
        Some((self.area.x(share), self.area.y(self.y.position(value)?)))
    }

    fn paint(&self, canvas: &mut Canvas<'_>, pieces: &[Piece]) -> Result<(), PlotError> {
        for line in pieces.iter().map(|piece| &self.lines[piece.line]) {
            let Some((from, to)) = above(line, self.y.low) else {
                continue;
            };
            let ends = [from, to].map(|share| self.place(share, line.at(share)));
            if let [Some(from), Some(to)] = ends {
                canvas.line(from, to, Paint::clear(colour_of(line.group), 0.35), 1.1)?;
            }
        }
        for piece in pieces {
            let line = &self.lines[piece.line];
            let ends = [piece.from, piece.to].map(|share| self.place(share, line.at(share)));
            if let [Some(from), Some(to)] = ends {
                canvas.line(from, to, Paint::solid(colour_of(line.group)), 2.4)?;
            }
        }
        for piece in pieces {
            let line = &self.lines[piece.line];
            let middle = 0.5 * (piece.from + piece.to);
            if let Some(at) = self.place(middle, line.at(middle)) {
                marker(canvas, line.group, at, RADIUS, colour_of(line.group))?;
            }
        }
        Ok(())
    }
}

/// The shares between which `line` is at least `low`.
fn above(line: &EnvelopeLine, low: f64) -> Option<(f64, f64)> {
    let [left, right] = line.ends;
    let crossing = || ((low - left) / (right - left)).clamp(0.0, 1.0);
    match (left >= low, right >= low) {
        (true, true) => Some((0.0, 1.0)),
        (true, false) => Some((0.0, crossing())),
        (false, true) => Some((crossing(), 1.0)),
        (false, false) => None,
    }
}

/// The groups that are on the envelope, at the heights where they leave it.
fn entries<'a>(
    plot: &'a EnvelopePlot,
    area: &Area,
    y: &Range,
    lines: &[EnvelopeLine],
    pieces: &[Piece],
) -> Vec<Entry<'a>> {
    let has_piece = |group: usize| pieces.iter().any(|piece| lines[piece.line].group == group);
    let groups = plot
        .groups
        .iter()
        .enumerate()
        .filter(|(group, _)| has_piece(*group));
    let entries = groups.map(|(group, name)| {
        let last = pieces
            .iter()
            .rfind(|piece| lines[piece.line].group == group);
        let value = last.map_or(y.low, |piece| lines[piece.line].at(piece.to));
        Entry {
            name,
            look: Look::Curve(group),
            end: area.y(y.position(value).unwrap_or(0.0)),
            reaches: last.is_some_and(|piece| piece.to >= 1.0),
        }
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(group: usize, left: f64, right: f64) -> EnvelopeLine {
        EnvelopeLine {
            group,
            ends: [left, right],
        }
    }

    #[test]
    fn the_envelope_goes_from_line_to_line_where_they_meet() {
        let lines = [
            line(0, 10.0, 0.0),
            line(1, 6.0, 6.0),
            line(2, 0.0, 10.0),
            line(1, 1.0, 1.0),
        ];
        let piece = |line, from, to| Piece { line, from, to };
        let expected = [piece(0, 0.0, 0.4), piece(1, 0.4, 0.6), piece(2, 0.6, 1.0)];
        let found = envelope(&lines);
        assert_eq!(found.len(), 3, "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.line, expected.line);
            assert!((found.from - expected.from).abs() < 1e-12);
            assert!((found.to - expected.to).abs() < 1e-12);
        }
        // Without the flat line the other two meet in the middle.
        let two = envelope(&[lines[0], lines[2]]);
        assert_eq!(two, [piece(0, 0.0, 0.5), piece(1, 0.5, 1.0)]);
        assert_eq!(envelope(&[lines[3]]), [piece(0, 0.0, 1.0)]);
        assert_eq!(envelope(&[]), []);
        // The same line twice is drawn once.
        assert_eq!(envelope(&[lines[0], lines[0]]).len(), 1);
    }

    #[test]
    fn at_every_share_the_piece_is_the_largest_line() {
        let lines: Vec<EnvelopeLine> = (0..40)
            .map(|i| {
                line(
                    i,
                    f64::from(i as u32 * 7919 % 101),
                    f64::from(i as u32 * 104_729 % 97),
                )
            })
            .collect();
        let pieces = envelope(&lines);
        assert_eq!((pieces[0].from, pieces[pieces.len() - 1].to), (0.0, 1.0));
        for step in 0..=1000 {
            let share = f64::from(step) / 1000.0;
            let largest = lines
                .iter()
                .map(|line| line.at(share))
                .fold(f64::NEG_INFINITY, f64::max);
            let piece = pieces.iter().find(|piece| piece.to >= share).unwrap();
            assert!(
                (lines[piece.line].at(share) - largest).abs() < 1e-9,
                "{share}"
            );
        }
    }
}
