//! Checks that looking changes nothing: info fields and pictures.

use super::{
    lab::{At, Lab, Setup, copy_all_actions, same_situation, same_step, save_all, unchanged},
    report::{Failure, MET, Verdict, skipped},
};

/// Asking for info fields changes nothing else.
pub(super) fn info_is_passive(lab: &Lab<'_>) -> Verdict {
    if lab.spec.info.is_empty() {
        return skipped("the environment has no info fields");
    }
    for setup in lab.setups() {
        let mut told = lab.start(&setup)?;
        let mut untold = lab.start(&Setup {
            info: false,
            ..setup.clone()
        })?;
        let mut actor = lab.actor("info");
        for step in 0..=lab.options.steps {
            if step > 0 {
                actor.act_all(&mut told)?;
                copy_all_actions(&told, &mut untold);
                told.step()?;
                untold.step()?;
            }
            for row in 0..setup.rows {
                let place = format!("row {row}, step {step}, with and without info");
                if step > 0 {
                    same_step(At(&told, row), At(&untold, row), &place)?;
                } else {
                    same_situation(At(&told, row), At(&untold, row), &place)?;
                }
            }
        }
    }
    MET
}

/// Drawing a row changes neither state nor randomness, and gives the same picture twice.
pub(super) fn render(lab: &Lab<'_>) -> Verdict {
    let setup = Setup {
        limit: Some(5),
        ..lab.setup()
    };
    let mut unbegun = lab.build(&setup)?;
    unbegun.render(0)?; // Must not fail, whatever it shows.
    unbegun.reset()?;
    let mut drawn = unbegun;
    let mut undrawn = lab.start(&setup)?;
    let mut actor = lab.actor("render");
    let mut pictures = 0;
    for step in 1..=lab.options.steps {
        let before = save_all(&drawn)?;
        for row in 0..setup.rows {
            let (first, second) = (drawn.render(row)?, drawn.render(row)?);
            pictures += usize::from(first.is_some());
            if first != second {
                let place = format!("row {row}, step {step}");
                return Err(Failure::new(place, "drawn twice, the pictures differ"));
            }
        }
        unchanged(&before, &drawn, &[], "drawing")?;
        actor.act_all(&mut drawn)?;
        copy_all_actions(&drawn, &mut undrawn);
        drawn.step()?;
        undrawn.step()?;
        for row in 0..setup.rows {
            let place = format!("row {row}, step {step}, drawn and not drawn");
            same_step(At(&drawn, row), At(&undrawn, row), &place)?;
        }
    }
    if pictures == 0 {
        return skipped("the environment draws nothing");
    }
    MET
}
