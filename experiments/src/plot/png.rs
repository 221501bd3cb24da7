//! SVG to PNG without a system font: text is set in the two weights of Arimo that ship inside the program.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree, fontdb};

use super::PlotError;

const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Arimo-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../assets/fonts/Arimo-Bold.ttf");

/// Largest side of an image in pixels.
const LARGEST_SIDE: f32 = 16_384.0;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(BOLD.to_vec());
    fonts.set_sans_serif_family("Arimo");
    Arc::new(fonts)
});

/// Renders an SVG document as a PNG of `scale` image pixels per CSS pixel (2 for sharp screens and print).
///
/// Only the shipped font is used, never one of the machine, so the bytes do not depend on where this runs. It covers
/// Latin, Greek and Cyrillic; other scripts show as boxes here (and as they should in a browser that opens the SVG).
/// Images the document refers to are not loaded.
///
/// # Errors
/// [`PlotError::Svg`] for text that is not SVG, [`PlotError::Size`] for a scale that is not positive or a result of more
/// than 16,384 pixels a side, [`PlotError::Encode`].
pub fn svg_to_png(svg: &str, scale: f32) -> Result<Vec<u8>, PlotError> {
    let tree = parse(svg)?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let too_large = || PlotError::Size {
        width,
        height,
        scale,
    };
    let (image_width, image_height) = ((width * scale).ceil(), (height * scale).ceil());
    let fits = |side: f32| (1.0..=LARGEST_SIDE).contains(&side);
    if !(fits(image_width) && fits(image_height)) {
        return Err(too_large());
    }
    let mut image = Pixmap::new(image_width as u32, image_height as u32).ok_or_else(too_large)?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut image.as_mut(),
    );
    image
        .encode_png()
        .map_err(|error| PlotError::Encode(error.to_string()))
}

pub(super) fn parse(svg: &str) -> Result<Tree, PlotError> {
    let options = Options {
        font_family: "Arimo".to_owned(),
        fontdb: Arc::clone(&FONTS),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    Ok(Tree::from_str(svg, &options)?)
}
