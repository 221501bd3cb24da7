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
    for (size, eigenvalues) in golden["legs_normal_part_eigs"].as_object().unwrap() {
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
