//! Properties of every plot: whatever the data, the document parses, and everything in it lies inside the picture.

use proptest::prelude::*;

use super::png::parse;
use super::*;
use crate::stats::Interval;
use resvg::usvg::{Fill, Group, Node, TextChunk};

/// Numbers of the kinds that break plots.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -100.0..100.0,
        1 => Just(0.0),
        1 => Just(-0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => prop::sample::select(vec![1e-320, 1e-300, -1e-9, 1e9, 1e300, -1e300, 1e308, f64::MIN]),
    ]
}

/// Constant, single-point, empty and mixed columns.
fn column() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec(value(), 0..40),
        (value(), 1_usize..20).prop_map(|(value, len)| vec![value; len]),
        (0_usize..40).prop_map(|len| (0..len).map(|index| index as f64).collect()),
    ]
}

fn scale() -> impl Strategy<Value = Scale> {
    prop_oneof![Just(Scale::Linear), Just(Scale::Log)]
}

fn axis() -> impl Strategy<Value = Axis> {
    (scale(), prop::collection::vec(value(), 0..2), name()).prop_map(|(scale, include, label)| {
        Axis {
            label,
            scale,
            include,
        }
    })
}

/// Names with markup, control characters, other scripts, and of any length.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<agent> & \"co\" ]]>".to_owned()),
        Just("貪欲な方策 ε\u{0}\n\u{ffff}".to_owned()),
        "[a-z ]{0,60}",
    ]
}

/// Checks the numbers of the document's text and the boxes of what a renderer makes of it.
fn check(svg: &str) -> Result<(), TestCaseError> {
    prop_assert!(!svg.contains("NaN") && !svg.contains("inf,") && !svg.contains(",inf"));
    let tree = parse(svg).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let (width, height) = (tree.size().width(), tree.size().height());
    check_group(tree.root(), width, height)
}

fn check_group(group: &Group, width: f32, height: f32) -> Result<(), TestCaseError> {
    for node in group.children() {
        if let Node::Group(inner) = node {
            check_group(inner, width, height)?;
            continue;
        }
        let bounds = node.abs_stroke_bounding_box();
        let sides = [bounds.left(), bounds.top(), bounds.right(), bounds.bottom()];
        prop_assert!(sides.iter().all(|side| side.is_finite()), "{sides:?}");
        // One pixel of slack for strokes at the edge.
        let inside = sides[0] >= -1.0
            && sides[1] >= -1.0
            && sides[2] <= width + 1.0
            && sides[3] <= height + 1.0;
        prop_assert!(
            inside,
            "{sides:?} outside {width} x {height}: {}",
            kind(node)
        );
    }
    Ok(())
}

fn kind(node: &Node) -> String {
    match node {
        Node::Text(text) => {
            let chunks = text.chunks().iter();
            format!("text {:?}", chunks.map(TextChunk::text).collect::<String>())
        }
        Node::Path(path) => format!("path filled {:?}", path.fill().map(Fill::paint)),
        _ => "other".to_owned(),
    }
}

fn line_plots() -> impl Strategy<Value = LinePlot> {
    let series = (name(), column(), column(), any::<bool>(), column()).prop_map(
        |(name, x, mut centre, has_band, edge)| {
            centre.resize(x.len(), 1.0);
            let mut lower = edge;
            lower.resize(x.len(), 0.5);
            let upper = lower.iter().map(|edge| edge + 1.0).collect();
            Series {
                name,
                x,
                centre,
                band: has_band.then_some(Band { lower, upper }),
            }
        },
    );
    let reference = (value(), name()).prop_map(|(value, label)| Reference { value, label });
    (
        name(),
        axis(),
        axis(),
        prop::collection::vec(series, 0..5),
        prop::collection::vec(reference, 0..2),
    )
        .prop_map(|(title, x, y, series, references)| LinePlot {
            subtitle: title.clone(),
            title,
            x,
            y,
            series,
            references,
        })
}

fn interval_plots() -> impl Strategy<Value = IntervalPlot> {
    let row = (name(), value(), value(), value(), column()).prop_map(
        |(name, estimate, low, high, samples)| IntervalRow {
            name,
            interval: Interval {
                estimate,
                low,
                high,
            },
            samples,
        },
    );
    let reference = (value(), name()).prop_map(|(value, label)| Reference { value, label });
    (
        name(),
        axis(),
        prop::collection::vec(row, 0..6),
        prop::collection::vec(reference, 0..3),
        any::<bool>(),
    )
        .prop_map(|(title, axis, rows, references, one_colour)| IntervalPlot {
            subtitle: title.clone(),
            title,
            axis,
            rows,
            references,
            one_colour,
        })
}

fn envelope_plots() -> impl Strategy<Value = EnvelopePlot> {
    let line = (0_usize..4, value(), value()).prop_map(|(group, left, right)| EnvelopeLine {
        group,
        ends: [left, right],
    });
    (
        name(),
        prop::collection::vec(name(), 0..4),
        prop::collection::vec(line, 0..8),
    )
        .prop_map(|(title, groups, lines)| EnvelopePlot {
            subtitle: title.clone(),
            share_label: title.clone(),
            value_label: title.clone(),
            title,
            groups,
            lines,
        })
}

fn bar_plots() -> impl Strategy<Value = BarGroups> {
    let group = (name(), column(), any::<bool>());
    (
        name(),
        axis(),
        prop::collection::vec(name(), 0..30),
        prop::collection::vec(group, 0..5),
    )
        .prop_map(|(title, axis, categories, groups)| BarGroups {
            subtitle: title.clone(),
            category_label: title.clone(),
            title,
            axis,
            groups: groups
                .into_iter()
                .map(|(name, mut values, has_intervals)| {
                    values.resize(categories.len(), 3.0);
                    let intervals = values.iter().map(|value| (value - 1.0, value * 2.0));
                    BarGroup {
                        name,
                        intervals: has_intervals.then(|| intervals.collect()),
                        values,
                    }
                })
                .collect(),
            categories,
        })
}

fn heat_maps() -> impl Strategy<Value = HeatMap> {
    (
        name(),
        prop::collection::vec(name(), 0..12),
        prop::collection::vec(name(), 0..20),
        column(),
        scale(),
    )
        .prop_map(|(title, rows, columns, mut values, scale)| {
            values.resize(rows.len() * columns.len(), 2.0);
            HeatMap {
                subtitle: title.clone(),
                row_label: title.clone(),
                column_label: title.clone(),
                value_label: title.clone(),
                title,
                rows,
                columns,
                values,
                scale,
            }
        })
}

fn strip_plots() -> impl Strategy<Value = StripPlot> {
    let strip = (
        name(),
        name(),
        any::<u32>(),
        0_usize..45,
        0_usize..90,
        value(),
    );
    (name(), prop::collection::vec(strip, 0..5)).prop_map(|(title, strips)| StripPlot {
        subtitle: title.clone(),
        row_label: title.clone(),
        column_label: title.clone(),
        value_label: title.clone(),
        title,
        strips: strips
            .into_iter()
            .map(|(name, remark, first, rows, columns, value)| Strip {
                name,
                remark,
                first: first.into(),
                rows,
                period: (columns > 3).then_some(columns / 3),
                values: (0..rows * columns)
                    .map(|index| (index % 3 == 0).then_some(value / (index + 1) as f64))
                    .collect(),
            })
            .collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn line_plots_stay_in_the_picture(plot in line_plots()) {
        check(&line_plot(&plot).unwrap())?;
    }

    #[test]
    fn interval_plots_stay_in_the_picture(plot in interval_plots()) {
        check(&interval_plot(&plot).unwrap())?;
    }

    #[test]
    fn envelope_plots_stay_in_the_picture(plot in envelope_plots()) {
        check(&envelope_plot(&plot).unwrap())?;
    }

    #[test]
    fn bar_groups_stay_in_the_picture(plot in bar_plots()) {
        check(&bar_groups(&plot).unwrap())?;
    }

    #[test]
    fn heat_maps_stay_in_the_picture(plot in heat_maps()) {
        check(&heat_map(&plot).unwrap())?;
    }

    #[test]
    fn strips_stay_in_the_picture(plot in strip_plots()) {
        check(&strips(&plot).unwrap())?;
    }
}

#[test]
fn a_strip_has_a_cell_for_every_play() {
    let strip = |values| Strip {
        name: "UCB1".into(),
        first: 9,
        rows: 2,
        values,
        ..Strip::default()
    };
    let svg = |values| {
        strips(&StripPlot {
            strips: vec![strip(values)],
            ..StripPlot::default()
        })
    };
    let idle = svg(vec![None; 6]).unwrap();
    let two = svg(vec![Some(0.5), None, None, None, Some(1.0), None]).unwrap();
    let cells = |svg: &str| svg.matches("<rect").count();
    // The colour bar has its slices in both.
    assert_eq!(cells(&two), cells(&idle) + 2);
    assert!(two.contains("10"), "columns have their numbers");
    let error = svg(vec![None; 5]).unwrap_err().to_string();
    assert_eq!(error, "strip `UCB1` needs 4 values and has 5");
}

fn example() -> LinePlot {
    let x: Vec<f64> = (0..50).map(f64::from).collect();
    LinePlot {
        title: "Regret".into(),
        x: Axis::linear("round"),
        y: Axis::log("regret"),
        series: vec![Series {
            name: "UCB1".into(),
            centre: x.iter().map(|x| x * x).collect(),
            x,
            band: None,
        }],
        ..LinePlot::default()
    }
}

#[test]
fn equal_data_gives_equal_bytes() {
    assert_eq!(
        line_plot(&example()).unwrap(),
        line_plot(&example()).unwrap()
    );
}

#[test]
fn a_plot_says_what_it_hides() {
    let svg = line_plot(&example()).unwrap();
    assert!(svg.contains("1 value is not shown"), "{svg}");
    let empty = line_plot(&LinePlot::default()).unwrap();
    assert!(empty.contains("no data to show"));
}

#[test]
fn a_large_matrix_is_reduced() {
    let side = 3_000;
    let names: Vec<String> = (0..side).map(|index| index.to_string()).collect();
    let plot = HeatMap {
        rows: names.clone(),
        columns: names,
        values: (0..side * side).map(|index| (index % 977) as f64).collect(),
        ..HeatMap::default()
    };
    let svg = heat_map(&plot).unwrap();
    assert!(svg.contains("Each cell is the mean of"));
    check(&svg).unwrap();
}

/// Text that the renderer sets is as wide as the layout assumed: exact for ASCII up to kerning.
#[test]
fn text_is_as_wide_as_the_layout_assumes() {
    for text in [
        "environment steps",
        "UCB1 (10 seeds)",
        "0123456789",
        "AVATAR To Ty",
        "Wm@%#",
    ] {
        let svg = canvas::document(600.0, 40.0, "", |canvas| {
            let lettering = canvas::Lettering::new(20.0, [0; 3], canvas::Anchor::Start);
            canvas.text((10.0, 20.0), text, lettering)
        })
        .unwrap();
        let tree = parse(&svg).unwrap();
        let bounds = tree.root().abs_bounding_box();
        // The paper is part of the box; take the text node's own.
        let mut widths = Vec::new();
        collect_text_widths(tree.root(), &mut widths);
        assert_eq!(widths.len(), 1, "{bounds:?}");
        let expected = text::width(text, 20.0);
        let ratio = f64::from(widths[0]) / expected;
        assert!(
            (0.88..=1.01).contains(&ratio),
            "{text}: {} against {expected}",
            widths[0]
        );
    }
}

fn collect_text_widths(group: &Group, widths: &mut Vec<f32>) {
    for node in group.children() {
        match node {
            Node::Group(inner) => collect_text_widths(inner, widths),
            Node::Text(text) => widths.push(text.abs_bounding_box().width()),
            _ => {}
        }
    }
}

#[test]
fn png_has_the_scaled_size_and_ink() {
    let svg = line_plot(&example()).unwrap();
    let png = svg_to_png(&svg, 2.0).unwrap();
    assert_eq!(&png[1..4], b"PNG");
    let side = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    let tree = parse(&svg).unwrap();
    assert_eq!(side(16), (tree.size().width() * 2.0) as u32);
    assert_eq!(side(20), (tree.size().height() * 2.0) as u32);
    // Blank paper of that size compresses to far less.
    assert!(png.len() > 10_000, "{}", png.len());
}

#[test]
fn bad_requests_for_a_png_are_typed_errors() {
    assert!(matches!(
        svg_to_png("not an svg", 1.0),
        Err(PlotError::Svg(_))
    ));
    let svg = line_plot(&example()).unwrap();
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e6] {
        assert!(
            matches!(svg_to_png(&svg, scale), Err(PlotError::Size { .. })),
            "{scale}"
        );
    }
}
