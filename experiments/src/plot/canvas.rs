//! A drawing surface in CSS pixels on top of plotters' SVG backend.
//!
//! The backend places everything on whole units. Its canvas is therefore ten times the picture and the document's view
//! box scales it back, so that curves are placed to a tenth of a pixel.

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, RGBColor, ShapeStyle,
    TextStyle,
};

use super::PlotError;
use super::text::{FONT_FAMILY, clean};

/// Backend units per CSS pixel.
const UNITS: f64 = 10.0;
/// The backend writes `size / 1.24` as the font size.
const FONT_UNITS: f64 = 1.24;

/// A point in CSS pixels, from the top left.
pub(super) type Point = (f64, f64);

/// A colour with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Paint {
    pub(super) rgb: [u8; 3],
    pub(super) opacity: f64,
}

impl Paint {
    pub(super) const fn solid(rgb: [u8; 3]) -> Self {
        Self { rgb, opacity: 1.0 }
    }

    pub(super) const fn clear(rgb: [u8; 3], opacity: f64) -> Self {
        Self { rgb, opacity }
    }

    fn style(self, filled: bool, width: f64) -> ShapeStyle {
        let [r, g, b] = self.rgb;
        ShapeStyle {
            color: RGBAColor(r, g, b, self.opacity),
            filled,
            stroke_width: (width * UNITS).round() as u32,
        }
    }
}

/// Where the given point is on a text, horizontally. Vertically it is always the middle of the small letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lettering {
    pub(super) size: f64,
    pub(super) rgb: [u8; 3],
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
    /// Reads from bottom to top.
    pub(super) upright: bool,
}

impl Lettering {
    pub(super) const fn new(size: f64, rgb: [u8; 3], anchor: Anchor) -> Self {
        Self {
            size,
            rgb,
            anchor,
            bold: false,
            upright: false,
        }
    }

    pub(super) const fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    pub(super) const fn upright(mut self) -> Self {
        self.upright = true;
        self
    }
}

/// An SVG document in the making.
pub(super) struct Canvas<'a> {
    backend: SVGBackend<'a>,
}

/// Draws a picture of `width` × `height` CSS pixels; `name` is its accessible title.
pub(super) fn document(
    width: f64,
    height: f64,
    name: &str,
    paint: impl FnOnce(&mut Canvas<'_>) -> Result<(), PlotError>,
) -> Result<String, PlotError> {
    let (width, height) = (width.ceil(), height.ceil());
    let mut body = String::new();
    {
        let size = (units(width) as u32, units(height) as u32);
        let mut canvas = Canvas {
            backend: SVGBackend::with_string(&mut body, size),
        };
        canvas.rectangle((0.0, 0.0), (width, height), Paint::solid([255; 3]))?;
        paint(&mut canvas)?;
        canvas.backend.present().map_err(draw_error)?;
    }
    // The backend's own root element gives the size in its units.
    let drawing = body.split_once('>').map_or("", |(_, rest)| rest);
    let name = escape(name);
    let (view_width, view_height) = (units(width), units(height));
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {view_width} {view_height}\" role=\"img\" stroke-linejoin=\"round\">\n\
         <title>{name}</title>{drawing}"
    ))
}

impl Canvas<'_> {
    pub(super) fn rectangle(
        &mut self,
        top_left: Point,
        bottom_right: Point,
        paint: Paint,
    ) -> Result<(), PlotError> {
        let style = paint.style(true, 0.0);
        self.backend
            .draw_rect(place(top_left), place(bottom_right), &style, true)
            .map_err(draw_error)
    }

    pub(super) fn line(
        &mut self,
        from: Point,
        to: Point,
        paint: Paint,
        width: f64,
    ) -> Result<(), PlotError> {
        let style = paint.style(false, width);
        self.backend
            .draw_line(place(from), place(to), &style)
            .map_err(draw_error)
    }

    /// A horizontal or vertical line of dashes.
    pub(super) fn dashes(
        &mut self,
        from: Point,
        to: Point,
        paint: Paint,
        width: f64,
    ) -> Result<(), PlotError> {
        const DASH: f64 = 5.0;
        const GAP: f64 = 4.0;
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let at = |distance: f64| {
            let share = (distance / length).min(1.0);
            (from.0 + share * dx, from.1 + share * dy)
        };
        let mut start = 0.0;
        while start < length {
            self.line(at(start), at(start + DASH), paint, width)?;
            start += DASH + GAP;
        }
        Ok(())
    }

    pub(super) fn polyline(
        &mut self,
        points: &[Point],
        paint: Paint,
        width: f64,
    ) -> Result<(), PlotError> {
        let style = paint.style(false, width);
        self.backend
            .draw_path(points.iter().map(|point| place(*point)), &style)
            .map_err(draw_error)
    }

    pub(super) fn polygon(&mut self, points: &[Point], paint: Paint) -> Result<(), PlotError> {
        let style = paint.style(true, 0.0);
        self.backend
            .fill_polygon(points.iter().map(|point| place(*point)), &style)
            .map_err(draw_error)
    }

    pub(super) fn disc(
        &mut self,
        centre: Point,
        radius: f64,
        paint: Paint,
    ) -> Result<(), PlotError> {
        let style = paint.style(true, 0.0);
        self.backend
            .draw_circle(place(centre), units(radius) as u32, &style, true)
            .map_err(draw_error)
    }

    pub(super) fn text(
        &mut self,
        at: Point,
        text: &str,
        lettering: Lettering,
    ) -> Result<(), PlotError> {
        let weight = if lettering.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let size = lettering.size * UNITS * FONT_UNITS;
        let mut font = FontDesc::new(FontFamily::Name(FONT_FAMILY), size, weight);
        if lettering.upright {
            font = font.transform(FontTransform::Rotate270);
        }
        let horizontal = match lettering.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        // The backend centres on the small letters; names and numbers look centred a little lower.
        let drop = 0.07 * lettering.size;
        let at = if lettering.upright {
            (at.0 + drop, at.1)
        } else {
            (at.0, at.1 + drop)
        };
        let [r, g, b] = lettering.rgb;
        let style = TextStyle {
            font,
            color: RGBColor(r, g, b).to_backend_color(),
            pos: Pos::new(horizontal, VPos::Center),
        };
        self.backend
            .draw_text(&clean(text), &style, place(at))
            .map_err(draw_error)
    }
}

/// The pixel grid line nearest to `value`, for lines of one pixel that are to be sharp.
pub(super) fn crisp(value: f64) -> f64 {
    value.floor() + 0.5
}

fn units(pixels: f64) -> i32 {
    (pixels * UNITS).round() as i32
}

fn place((x, y): Point) -> (i32, i32) {
    (units(x), units(y))
}

fn draw_error(error: impl std::fmt::Display) -> PlotError {
    PlotError::Draw(error.to_string())
}

fn escape(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
