//! Small bar charts side by side, one per group, on one value axis.
//!
//! Many groups of many bars in one chart cannot be read; the same bars in one small chart per group can, since the
//! shapes stay comparable.

use super::axis::{Axis, Range, Scale, drawable};
use super::canvas::{Anchor, Canvas, Lettering, Paint, document};
use super::frame::{
    Area, EDGE, LABEL, SMALL, heading, heading_height, hidden_note, no_data, note, vertical_ticks,
    widest,
};
use super::palette::{GRID, INK, MUTED, series as colour_of};
use super::ticks::Tick;
use super::{PlotError, check_length, text};

/// Bars over the same categories for several groups: pulls per arm for several agents.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BarGroups {
    /// What is shown.
    pub title: String,
    /// How it was made: the statistic, the number of seeds, the kind of interval.
    pub subtitle: String,
    /// What the categories are: `arm`.
    pub category_label: String,
    /// The value axis. On a linear axis bars start at zero, on a logarithmic one at its low end.
    pub axis: Axis,
    /// Names of the categories.
    pub categories: Vec<String>,
    /// One small chart each; colour follows the position in this list.
    pub groups: Vec<BarGroup>,
}

/// The bars of one group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BarGroup {
    /// Its name.
    pub name: String,
    /// One value per category.
    pub values: Vec<f64>,
    /// Lower and upper end of an interval per category.
    pub intervals: Option<Vec<(f64, f64)>>,
}

const WIDTH: f64 = 860.0;
const PANEL_HEIGHT: f64 = 120.0;
const PANEL_GAP: f64 = 18.0;
/// Room for the name of a group above its bars.
const NAME_ROOM: f64 = 24.0;

/// Draws one small bar chart per group, all on one value axis.
///
/// # Errors
/// [`PlotError::Length`] if a group has not one value, and one interval if any, per category.
pub fn bar_groups(plot: &BarGroups) -> Result<String, PlotError> {
    let categories = plot.categories.len();
    for group in &plot.groups {
        let what = || format!("the values of group `{}`", group.name);
        check_length(what, categories, group.values.len())?;
        if let Some(intervals) = &group.intervals {
            let what = || format!("the intervals of group `{}`", group.name);
            check_length(what, categories, intervals.len())?;
        }
    }
    let scale = plot.axis.scale;
    let values = || {
        plot.groups
            .iter()
            .flat_map(|group| group.values.iter().copied())
    };
    let remark = hidden_note(
        values().filter(|value| !drawable(scale, *value)).count(),
        scale == Scale::Log,
    );
    let top = heading_height(&plot.title, &plot.subtitle);
    let layout = Layout::of(plot);
    let rows = plot.groups.len().div_ceil(layout.columns).max(1);
    // Only the lowest chart of a column names the categories, and any may be lowest if the last row is not full.
    let full = plot.groups.len().is_multiple_of(layout.columns);
    let between = if full { 14.0 } else { layout.category_room };
    let row_height = NAME_ROOM + PANEL_HEIGHT + between;
    let bottom = top + rows as f64 * row_height - between + layout.category_room;
    let height = bottom + 30.0 + if remark.is_some() { 18.0 } else { 0.0 };

    document(WIDTH, height, &plot.title, |canvas| {
        heading(canvas, &plot.title, &plot.subtitle, WIDTH)?;
        if let Some(remark) = &remark {
            note(canvas, height - 12.0, remark, WIDTH)?;
        }
        let Some(range) = value_range(plot) else {
            return no_data(canvas, (0.5 * WIDTH, 0.5 * (top + bottom)));
        };
        let ticks = vertical_ticks(&range, 2.0 * PANEL_HEIGHT);
        let tick_room = widest(ticks.iter().map(|tick| tick.label.as_str()), SMALL);
        let left = EDGE + 20.0 + tick_room + 8.0;
        let gaps = (layout.columns - 1) as f64 * PANEL_GAP;
        let panel_width = (WIDTH - EDGE - left - gaps) / layout.columns as f64;
        for (index, group) in plot.groups.iter().enumerate() {
            let (row, column) = (index / layout.columns, index % layout.columns);
            let panel_left = left + column as f64 * (panel_width + PANEL_GAP);
            let panel_top = top + row as f64 * row_height + NAME_ROOM;
            let panel = Panel {
                area: Area {
                    left: panel_left,
                    top: panel_top,
                    right: panel_left + panel_width,
                    bottom: panel_top + PANEL_HEIGHT,
                },
                range,
                rgb: colour_of(index),
            };
            panel.grid(canvas, &ticks, column == 0)?;
            panel.bars(canvas, group)?;
            let last_row = index + layout.columns >= plot.groups.len();
            if last_row {
                panel.category_names(canvas, &plot.categories, &layout)?;
            }
            let name = text::fit(&group.name, LABEL * text::BOLD, panel_width);
            let lettering = Lettering::new(LABEL, INK, Anchor::Start).bold();
            canvas.text((panel_left, panel_top - 11.0), &name, lettering)?;
        }
        let lettering = Lettering::new(LABEL, INK, Anchor::Middle);
        let middle = 0.5 * (left + WIDTH - EDGE);
        canvas.text((middle, bottom + 12.0), &plot.category_label, lettering)?;
        let label = text::fit(&plot.axis.label, LABEL, bottom - top);
        canvas.text(
            (EDGE + 4.0, 0.5 * (top + bottom)),
            &label,
            lettering.upright(),
        )
    })
}

/// The common range: of all values and interval ends, with zero on a linear axis.
fn value_range(plot: &BarGroups) -> Option<Range> {
    let scale = plot.axis.scale;
    let values = || {
        plot.groups
            .iter()
            .flat_map(|group| group.values.iter().copied())
    };
    if !values().any(|value| drawable(scale, value)) {
        return None;
    }
    let smallest = values()
        .filter(|value| drawable(scale, *value))
        .fold(f64::INFINITY, f64::min);
    let intervals = plot
        .groups
        .iter()
        .filter_map(|group| group.intervals.as_ref());
    let ends = intervals.flatten().flat_map(|(low, high)| [*low, *high]);
    let ends = ends.filter(|end| scale == Scale::Linear || *end >= smallest / 10.0);
    let base = match scale {
        Scale::Linear => 0.0,
        // So that the smallest value still has a bar.
        Scale::Log => smallest / 2.0,
    };
    let all = values()
        .chain(ends)
        .chain(plot.axis.include.iter().copied());
    Range::of(scale, all.chain([base]), 0.05)
}

/// How panels and the names of categories are arranged.
struct Layout {
    columns: usize,
    /// Height below the bars for the names of the categories.
    category_room: f64,
    /// Names read upwards, since they are too long to stand side by side.
    upright: bool,
    /// Every how manyth category is named.
    every: usize,
}

impl Layout {
    fn of(plot: &BarGroups) -> Self {
        let categories = plot.categories.len().max(1);
        // Bars of at least 6 pixels, if one panel per row allows it.
        let columns = (800 / (categories * 8).max(200)).clamp(1, 3);
        let columns = columns.min(plot.groups.len().max(1));
        let slot = (800.0 / columns as f64 - PANEL_GAP) / categories as f64;
        let longest = widest(plot.categories.iter().map(String::as_str), SMALL);
        // Numbers thin well (0 5 10); names are better turned than left out.
        let numbers = plot.categories.iter().all(|name| name.len() <= 4);
        let upright = longest + 4.0 > slot && !numbers;
        let needed = if upright { SMALL + 2.0 } else { longest + 6.0 };
        Self {
            columns,
            category_room: if upright {
                longest.min(90.0) + 14.0
            } else {
                22.0
            },
            upright,
            every: round_step((needed / slot).ceil() as usize),
        }
    }
}

/// The next of 1, 2, 5, 10, 20, 50, … from `least` on.
pub(super) fn round_step(least: usize) -> usize {
    let mut magnitude = 1_usize;
    loop {
        for factor in [1, 2, 5] {
            if factor * magnitude >= least {
                return factor * magnitude;
            }
        }
        magnitude = magnitude.saturating_mul(10);
    }
}

struct Panel {
    area: Area,
    range: Range,
    rgb: [u8; 3],
}

impl Panel {
    fn grid(&self, canvas: &mut Canvas<'_>, ticks: &[Tick], named: bool) -> Result<(), PlotError> {
        let area = &self.area;
        let lettering = Lettering::new(SMALL, MUTED, Anchor::End);
        for tick in ticks {
            let Some(share) = self.range.position(tick.value) else {
                continue;
            };
            let y = super::canvas::crisp(area.y(share));
            canvas.line((area.left, y), (area.right, y), Paint::solid(GRID), 1.0)?;
            if named {
                canvas.text((area.left - 7.0, y), &tick.label, lettering)?;
            }
        }
        Ok(())
    }

    /// Height of the foot of the bars.
    fn base(&self) -> f64 {
        let share = match self.range.scale {
            Scale::Linear => self.range.position(0.0),
            Scale::Log => None,
        };
        self.area.y(share.unwrap_or(0.0))
    }

    fn centre(&self, index: usize, categories: usize) -> f64 {
        self.area.x((index as f64 + 0.5) / categories as f64)
    }

    fn bars(&self, canvas: &mut Canvas<'_>, group: &BarGroup) -> Result<(), PlotError> {
        let area = &self.area;
        let categories = group.values.len();
        let slot = area.width() / categories.max(1) as f64;
        let half = (0.38 * slot).min(22.0);
        let base = self.base();
        for (index, value) in group.values.iter().enumerate() {
            let x = self.centre(index, categories);
            if let Some(share) = self.range.position(*value) {
                let y = area.y(share);
                let (top, bottom) = (y.min(base), y.max(base));
                canvas.rectangle((x - half, top), (x + half, bottom), Paint::solid(self.rgb))?;
            }
            let interval = group.intervals.as_ref().and_then(|all| all.get(index));
            let Some((low, high)) = interval else {
                continue;
            };
            // An end at or below zero on a logarithmic axis is below the picture.
            let low = self
                .range
                .position(*low)
                .map_or(area.bottom, |share| area.y(share));
            if let Some(high) = self.range.position(*high) {
                let high = area.y(high);
                let cap = (0.4 * half).min(4.0);
                canvas.line((x, low), (x, high), Paint::solid(INK), 1.2)?;
                for end in [low, high] {
                    canvas.line((x - cap, end), (x + cap, end), Paint::solid(INK), 1.2)?;
                }
            }
        }
        canvas.line(
            (area.left, base),
            (area.right, base),
            Paint::solid(MUTED),
            1.0,
        )
    }

    fn category_names(
        &self,
        canvas: &mut Canvas<'_>,
        categories: &[String],
        layout: &Layout,
    ) -> Result<(), PlotError> {
        for (index, name) in categories.iter().enumerate().step_by(layout.every) {
            let x = self.centre(index, categories.len());
            if layout.upright {
                let name = text::fit(name, SMALL, layout.category_room - 14.0);
                let lettering = Lettering::new(SMALL, MUTED, Anchor::End).upright();
                canvas.text((x, self.area.bottom + 7.0), &name, lettering)?;
            } else {
                let name = text::fit(name, SMALL, layout.every as f64 * self.area.width());
                let lettering = Lettering::new(SMALL, MUTED, Anchor::Middle);
                canvas.text((x, self.area.bottom + 13.0), &name, lettering)?;
            }
        }
        Ok(())
    }
}
