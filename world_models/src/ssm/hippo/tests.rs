use serde_json::Value;

use super::*;
use crate::testing::{assert_close, golden, numbers};

#[test]
fn matrices_are_those_of_the_reference() {
    let golden = golden("hippo.json");
    let check = |measure: Measure, group: &Value| {
        for (size, system) in group.as_object().unwrap() {
            let hippo = measure.system(size.parse().unwrap());
            assert_close(&hippo.a, &numbers(&system["A"]), 1e-12);
            assert_close(&hippo.b, &numbers(&system["B"]), 1e-12);
        }
    };
    check(Measure::Legs, &golden["legs"]);
    check(Measure::Legt, &golden["legt"]);
    check(Measure::Fout, &golden["fout"]);
    check(Measure::Foud, &golden["foud"]);
}

#[test]
fn spectra_of_legs_and_their_invariants() {
    let golden = golden("hippo.json");
    let known = golden["legs_normal_part_eigs"].as_object().unwrap();
    for size in ["4", "8", "16"] {
        assert!(known.contains_key(size), "{size}");
    }
    for (size, eigenvalues) in known {
        let n: usize = size.parse().unwrap();
        let spectrum = Measure::Legs.system(n).spectrum();
        let im: Vec<f64> = spectrum.lambda.iter().map(|l| l.im).collect();
        assert_close(&im, &numbers(&eigenvalues["im"])[..n / 2], 1e-8);
        assert!(spectrum.lambda.iter().all(|l| (l.re + 0.5).abs() < 1e-12));
        // Phases of eigenvectors are arbitrary; these are not.
        let Some(known) = golden["legs_invariants"].get(size) else {
            continue;
        };
        let half = |key: &str| numbers(&known[key])[..n / 2].to_vec();
        let p: Vec<f64> = spectrum.p[0].iter().map(|z| z.abs()).collect();
        assert_close(&p, &half("abs_Ptilde"), 1e-8);
        let b: Vec<f64> = spectrum.b.iter().map(|z| z.abs()).collect();
        assert_close(&b, &half("abs_Btilde"), 1e-8);
        let product: Vec<f64> = spectrum.p[0]
            .iter()
            .zip(&spectrum.b)
            .map(|(p, b)| p.re * b.re + p.im * b.im)
            .collect();
        assert_close(
            &product,
            &numbers(&known["conjP_times_B"]["re"])[..n / 2],
            1e-8,
        );
    }
    // The numbers given for 256 states.
    let spectrum = Measure::Legs.system(256).spectrum();
    assert_close(
        &[spectrum.lambda[0].im, spectrum.lambda[127].im],
        &[-20860.233, -0.212_450],
        1e-6,
    );
}

/// The constant of the Fourier basis has a pair of zero eigenvalues, which has no direction of its own: it is given the
/// reference's, of length 1 and at right angles to its conjugate and to all others.
#[test]
fn zero_eigenvalues_of_fourier_have_a_direction() {
    for (measure, n) in [(Measure::Fout, 4), (Measure::Fout, 64), (Measure::Foud, 16)] {
        let spectrum = measure.system(n).spectrum();
        let half = n / 2;
        assert_eq!(spectrum.lambda[half - 1].im, 0.0);
        assert!(spectrum.lambda[..half - 1].iter().all(|l| l.im < -1.0));
        let column = |j: usize| (0..n).map(move |row| row * half + j);
        let v = &spectrum.vectors;
        let root = 0.5_f64.sqrt();
        for (row, at) in column(half - 1).enumerate() {
            let expected = match row {
                0 => C64::new(root, 0.0),
                1 => C64::new(0.0, root),
                _ => C64::default(),
            };
            assert_eq!(v[at], expected);
        }
        for j in 0..half {
            let (mut inner, mut bilinear) = (C64::default(), C64::default());
            for (a, b) in column(j).zip(column(half - 1)) {
                let (a, b) = (v[a], v[b]);
                inner.re += a.re * b.re + a.im * b.im;
                inner.im += a.re * b.im - a.im * b.re;
                bilinear.re += a.re * b.re - a.im * b.im;
                bilinear.im += a.re * b.im + a.im * b.re;
            }
            let same = f64::from(u8::from(j == half - 1));
            assert!((inner.re - same).abs() < 1e-12 && inner.im.abs() < 1e-12);
            assert!(bilinear.abs() < 1e-12, "conjugates");
        }
    }
}

/// A + Σ P Pᵀ = Re(2 Σ v λ v*) for real matrices, whose other half is conjugate.
#[test]
fn eigenvectors_rebuild_the_matrix() {
    for measure in [Measure::Legs, Measure::Legt, Measure::Fout, Measure::Foud] {
        let n = 16;
        let hippo = measure.system(n);
        let spectrum = hippo.spectrum();
        let half = n / 2;
        for i in 0..n {
            for j in 0..n {
                let normal = hippo.a[i * n + j] + hippo.p.iter().map(|p| p[i] * p[j]).sum::<f64>();
                let mut rebuilt = 0.0;
                for k in 0..half {
                    let (v, w) = (
                        spectrum.vectors[i * half + k],
                        spectrum.vectors[j * half + k],
                    );
                    let l = spectrum.lambda[k];
                    let (re, im) = (v.re * w.re + v.im * w.im, v.im * w.re - v.re * w.im);
                    rebuilt += 2.0 * (l.re * re - l.im * im);
                }
                assert!(
                    (normal - rebuilt).abs() < 1e-10,
                    "{measure:?} {i} {j}: {normal} {rebuilt}"
                );
            }
        }
    }
}
