//! Colours: Okabe and Ito's for series, viridis for magnitudes, greys for everything else.

/// Text.
pub(super) const INK: [u8; 3] = [0x22, 0x22, 0x22];
/// Secondary text, axis lines, reference lines.
pub(super) const MUTED: [u8; 3] = [0x5f, 0x5f, 0x5f];
/// Grid lines.
pub(super) const GRID: [u8; 3] = [0xe6, 0xe6, 0xe6];
/// Background stripes and cells without a value.
pub(super) const FAINT: [u8; 3] = [0xf4, 0xf4, 0xf4];
/// Paper.
pub(super) const PAPER: [u8; 3] = [0xff; 3];

/// Okabe and Ito's palette without its yellow, which cannot be seen as a line on white; the most distinct first.
const SERIES: [[u8; 3]; 7] = [
    [0x00, 0x72, 0xb2],
    [0xd5, 0x5e, 0x00],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0x22, 0x22, 0x22],
];

/// Colour of series `index`; repeats after seven (the markers, of which there are eight, do not repeat together with it
/// before the fifty-seventh series).
pub(crate) fn series(index: usize) -> [u8; 3] {
    SERIES[index % SERIES.len()]
}

/// Viridis (van der Walt and Smith 2015, CC0) at 33 equally spaced points; between them linear, within 2/255 of the
/// full table. An entry is 0x00RRGGBB.
const VIRIDIS: [u32; 33] = [
    0x0044_0154,
    0x0047_0d60,
    0x0048_186a,
    0x0048_2374,
    0x0047_2d7b,
    0x0045_3681,
    0x0042_4086,
    0x003f_4989,
    0x003b_528b,
    0x0037_5a8d,
    0x0033_638d,
    0x002f_6b8e,
    0x002c_728e,
    0x0029_7a8e,
    0x0026_818e,
    0x0023_898e,
    0x0021_908c,
    0x001f_988b,
    0x001f_9f88,
    0x0021_a685,
    0x0028_ae80,
    0x0031_b57b,
    0x003e_bc74,
    0x004c_c26c,
    0x005d_c963,
    0x006e_ce58,
    0x0082_d34c,
    0x0096_d83f,
    0x00ab_dc32,
    0x00c0_df24,
    0x00d5_e21a,
    0x00ea_e51a,
    0x00fd_e725,
];

/// Viridis at `position` in [0, 1], dark for low.
pub(super) fn viridis(position: f64) -> [u8; 3] {
    let scaled = position.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let below = (scaled as usize).min(VIRIDIS.len() - 2);
    let share = scaled - below as f64;
    let channel = |entry: u32, shift: u32| f64::from((entry >> shift) as u8);
    [16, 8, 0].map(|shift| {
        let (low, high) = (
            channel(VIRIDIS[below], shift),
            channel(VIRIDIS[below + 1], shift),
        );
        (low + share * (high - low)).round() as u8
    })
}

/// Black or white, whichever is easier to read on `rgb` (relative luminance of WCAG 2, with gamma 2).
pub(super) fn text_on(rgb: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = rgb.map(|channel| (f64::from(channel) / 255.0).powi(2));
    if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 {
        INK
    } else {
        PAPER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viridis_ends_and_middle() {
        // Entries 0, 255 and the mean of 127 and 128 of the published table.
        assert_eq!(viridis(0.0), [68, 1, 84]);
        assert_eq!(viridis(1.0), [253, 231, 37]);
        assert_eq!(viridis(0.5), [33, 144, 140]);
    }

    #[test]
    fn text_is_readable_on_both_ends() {
        assert_eq!(text_on(viridis(0.0)), PAPER);
        assert_eq!(text_on(viridis(1.0)), INK);
    }
}
