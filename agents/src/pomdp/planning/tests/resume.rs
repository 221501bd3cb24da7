//! Solvers that are stopped, saved and loaded.

use palaestra_envs::pomdp::pomdp_file;

use super::*;

/// Stops a solver in the middle, saves, loads and goes on; it must end as one that was not stopped.
fn stopped_and_resumed<S: Solver<State: PartialEq>>(model: &Arc<Pomdp>, make: impl Fn() -> S) {
    let (mut straight, mut first) = (make(), make());
    (0..12).for_each(|_| {
        straight.step();
    });
    (0..5).for_each(|_| {
        first.step();
    });
    let bytes = first.save().unwrap();
    let mut second = S::load(model.clone(), &bytes).unwrap();
    (5..12).for_each(|_| {
        second.step();
    });
    assert_eq!(second.progress(), straight.progress());
    assert!(second.save().unwrap() == straight.save().unwrap());
    assert!(second.policy() == straight.policy());
    // Another model, and damaged bytes, are refused or at least harmless.
    assert!(S::load(tiger(0.95), &bytes).is_err());
    for cut in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
        assert!(S::load(model.clone(), &bytes[..cut]).is_err());
        let mut damaged = bytes.clone();
        damaged[cut] ^= 0x15;
        if let Ok(solver) = S::load(model.clone(), &damaged) {
            solver.progress();
            solver.policy();
        }
    }
}

#[test]
fn solvers_go_on_where_they_were_stopped() {
    let model = four_four(Sensor::Exponential, Walls::End);
    stopped_and_resumed(&model, || {
        Sarsop::new(model.clone(), SarsopSettings::default()).unwrap()
    });
    stopped_and_resumed(&model, || {
        Pbvi::new(
            model.clone(),
            PbviSettings {
                sweeps: 2,
                max_beliefs: 60,
                seed: 3,
            },
        )
        .unwrap()
    });
    stopped_and_resumed(&model, || ValueIteration::new(model.clone()).unwrap());
    stopped_and_resumed(&model, || Fib::new(model.clone()).unwrap());
    stopped_and_resumed(&model, || Blind::new(model.clone()).unwrap());
    let machine = Arc::new(pomdp_file::read(MACHINE).unwrap().model);
    let small = machine.clone();
    stopped_and_resumed(&machine, move || {
        IncrementalPruning::new(small.clone()).unwrap()
    });
}
