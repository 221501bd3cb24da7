//! The instances that were played: what can be earned in them, by bounds and by plans.

use std::sync::Arc;

use palaestra_agents::bandits::planning::{
    Plan, PlanError, PlannerConfig, Relaxation, exact, gamma, plan,
};
use palaestra_envs::{
    bandits::{Instance, LsdBanditArgs, presets::PRESETS},
    sim,
};
use serde_json::Value;

use super::{
    BanditInstance, BanditReport, ReportError, Told,
    arms::Played,
    figures::{constant, count},
    load::{LineUp, Loaded},
    normalised::normalised,
    regret::BANDIT,
    schedules::schedules,
};
use crate::Registries;

/// States times choices up to which a report computes the optimum: a second or so.
const MOST_EDGES: u64 = 500_000;
/// Payoff entries of an instance up to which a report asks the planners: a few seconds.
const MOST_ENTRIES: usize = 20_000;

/// An instance with all that a report wants to know of it.
pub(super) struct Model {
    /// Its name.
    pub(super) name: String,
    /// Indices of the line-ups that played it.
    pub(super) line_ups: Vec<usize>,
    pub(super) instance: Arc<Instance>,
    /// The rate that the environment names, and where that is from.
    pub(super) reference: Option<(f64, String)>,
    /// The optimal plan, or why there is none.
    pub(super) optimal: Result<Plan, String>,
    /// The plan of the portfolio, or why there is none.
    pub(super) planned: Result<Plan, String>,
    /// `LP`.
    pub(super) bound: f64,
}

/// The instances of a report.
pub(super) struct Models {
    all: Vec<Model>,
}

impl Models {
    /// Plans for all instances that are offered as exact models. What is odd about them is noted.
    pub(super) fn of(registries: &Registries, loaded: &Loaded, notes: &mut Vec<String>) -> Self {
        let mut found: Vec<(String, Model)> = Vec::new();
        for (index, line_up) in loaded.line_ups.iter().enumerate() {
            let Some(spec) = line_up
                .env_spec(registries)
                .filter(|spec| spec.id == BANDIT)
            else {
                continue;
            };
            let model = spec.model.as_ref().and_then(sim::Model::get::<Instance>);
            let Some(instance) = model else {
                continue;
            };
            let key = rules(line_up);
            if let Some((_, known)) = found.iter_mut().find(|known| known.0 == key) {
                known.line_ups.push(index);
                continue;
            }
            let mut name = name(line_up);
            let same = |model: &&(String, Model)| model.1.name.starts_with(&name);
            let twins = found.iter().filter(same).count();
            if twins > 0 {
                name = format!("{name} (no. {})", twins + 1);
            }
            let rate = spec.reference_rate.filter(|rate| rate.is_finite());
            let reference = rate.map(|rate| (rate, source(line_up)));
            let model = Model::new(name, index, instance, reference);
            notes.extend(model.contradiction());
            found.push((key, model));
        }
        Self {
            all: found.into_iter().map(|(_, model)| model).collect(),
        }
    }

    /// The instance that the `line_up`-th line-up played.
    pub(super) fn model(&self, line_up: usize) -> Option<&Model> {
        let mut all = self.all.iter();
        all.find(|model| model.line_ups.contains(&line_up))
    }

    pub(super) fn all(&self) -> &[Model] {
        &self.all
    }

    /// What the report says of them; `None` without any.
    pub(super) fn report(
        &self,
        loaded: &Loaded,
        played: Played,
    ) -> Result<Option<BanditReport>, ReportError> {
        if self.all.is_empty() {
            return Ok(None);
        }
        Ok(Some(BanditReport {
            instances: self.all.iter().map(|model| model.told(loaded)).collect(),
            normalised: normalised(self, loaded)?,
            schedules: schedules(self, played.strips),
        }))
    }
}

impl Model {
    fn new(
        name: String,
        line_up: usize,
        instance: Arc<Instance>,
        reference: Option<(f64, String)>,
    ) -> Self {
        let arms = 0..instance.num_arms();
        let entries: usize = arms.map(|arm| instance.caps(arm).states().count()).sum();
        let planned = if entries <= MOST_ENTRIES {
            plan(&PlannerConfig::default(), &instance).map_err(|error| error.to_string())
        } else {
            Err(format!(
                "{} payoff entries are above the {} up to which a report asks planners",
                count(entries as u64),
                count(MOST_ENTRIES as u64)
            ))
        };
        Self {
            name,
            line_ups: vec![line_up],
            optimal: exact(&instance, MOST_EDGES).map_err(|error| match error {
                PlanError::TooLarge { .. } => format!(
                    "there are more than {} states times choices, up to which a report looks for it",
                    count(MOST_EDGES)
                ),
                error => error.to_string(),
            }),
            planned,
            bound: Relaxation::new(&instance).value(),
            instance,
            reference,
        }
    }

    /// `OPT` with its source.
    pub(super) fn opt(&self) -> Option<(f64, String)> {
        let confirmed = self.optimal.as_ref().is_ok_and(|plan| {
            let named = self.reference.as_ref().map(|reference| reference.0);
            named.is_some_and(|rate| (rate - plan.value.rate).abs() < 1e-8)
        });
        match (&self.reference, &self.optimal) {
            (Some((rate, source)), _) if confirmed => {
                Some((*rate, format!("{source}; confirmed by the planner `exact`")))
            }
            (Some(reference), _) => Some(reference.clone()),
            (None, Ok(plan)) => Some((
                plan.value.rate,
                format!(
                    "computed by the planner `exact`, which looked at {} states times choices",
                    count(plan.cost.size)
                ),
            )),
            (None, Err(_)) => None,
        }
    }

    /// Notes an optimal rate of the configuration that is not the optimum.
    fn contradiction(&self) -> Option<String> {
        let (rate, source) = self.reference.as_ref()?;
        let optimum = self.optimal.as_ref().ok()?.value.rate;
        ((rate - optimum).abs() > 1e-6).then(|| {
            format!(
                "The rate {} ({source}) is not the optimum of the instance, which the planner `exact` finds to be {}; \
                 `regret_opt` is measured against the former.",
                constant(*rate),
                constant(optimum)
            )
        })
    }

    fn told(&self, loaded: &Loaded) -> BanditInstance {
        let instance = &self.instance;
        let (monotone, plays) = (instance.is_monotone(), instance.plays());
        let unknown = |reason: &String| Told {
            value: None,
            provenance: format!("not computed: {reason}"),
        };
        let opt = match (self.opt(), &self.optimal) {
            (Some((rate, source)), _) => Told {
                value: Some(rate),
                provenance: source,
            },
            (None, Err(reason)) => unknown(reason),
            (None, Ok(_)) => unknown(&"no plan".into()),
        };
        let planner = match &self.planned {
            Ok(plan) => Told {
                value: Some(plan.value.rate),
                provenance: format!(
                    "the planner `{}` with the true payoffs. {}",
                    plan.planner,
                    plan.notes.first().map_or("", |note| note.as_str())
                ),
            },
            Err(reason) => unknown(reason),
        };
        let certified = (self.planned.as_ref()).map(|plan| plan.value.certified);
        let g = match certified {
            Ok(Some(g)) if monotone => Told {
                value: Some(g),
                provenance: "certified value of the planner `virtual_cycles`, our own derivation: its expected payoff \
                             is at least this"
                    .into(),
            },
            Ok(Some(g)) => Told {
                value: Some(g),
                provenance: "certified value of the planner `virtual_cycles` on the monotone minorant, since the payoffs \
                             are not monotone; our own derivation. It may be less than `γ_k·LP`"
                    .into(),
            },
            Ok(None) => Told {
                value: None,
                provenance: "nothing is certified, because exactly k arms must be played in every round".into(),
            },
            Err(reason) => unknown(reason),
        };
        let holds = if monotone && !instance.exact() {
            "at least this share of `LP` is certain to be earned"
        } else {
            "proven for monotone arms of which at most k are played; here it is a yardstick only"
        };
        BanditInstance {
            name: self.name.clone(),
            agents: (self.line_ups.iter())
                .map(|index| loaded.line_ups[*index].name.clone())
                .collect(),
            arms: instance.num_arms(),
            plays,
            exact: instance.exact(),
            monotone,
            opt,
            lp: Told {
                value: Some(self.bound),
                provenance: "upper bound of every policy: the relaxation to stationary patterns of single arms, solved \
                             exactly; our own derivation"
                    .into(),
            },
            planner,
            g,
            gamma: Told {
                value: Some(gamma(plays)),
                provenance: format!("1 − k^k e^(−k) / k! for k = {plays}: {holds}; our own derivation"),
            },
        }
    }
}

/// What makes an instance another one: its arguments without those that change nothing about plans.
fn rules(line_up: &LineUp) -> String {
    let mut args = line_up.config.env.args.clone();
    for key in ["horizon", "noise", "hide_state", "mask_unavailable"] {
        args.remove(key);
    }
    Value::Object(args).to_string()
}

fn args(line_up: &LineUp) -> Option<LsdBanditArgs> {
    let args = Value::Object(line_up.config.env.args.clone());
    serde_json::from_value(args).ok()
}

/// The preset with what is changed about it.
fn name(line_up: &LineUp) -> String {
    let given = &line_up.config.env.args;
    let named = args(line_up).and_then(|args| args.preset);
    let mut name = match named {
        Some(preset) => format!("`{preset}`"),
        None if given.contains_key("instance") => "the instance of the configuration".into(),
        None => "the environment's default instance".into(),
    };
    for key in ["plays", "exact", "start"] {
        if let Some(value) = given.get(key) {
            name = format!("{name}, `{key} = {value}`");
        }
    }
    name
}

/// Where the rate that the environment names is from.
fn source(line_up: &LineUp) -> String {
    let Some(args) = args(line_up) else {
        return format!("the environment `{}`", line_up.config.env.id);
    };
    if args.optimal_rate.is_some() {
        return "`optimal_rate` in the configuration".into();
    }
    if args.instance.is_some() {
        return "`optimal_rate` of the instance in the configuration".into();
    }
    let Some(name) = args.preset else {
        return "the known optimum of the environment's default instance".into();
    };
    let preset = PRESETS.iter().find(|preset| preset.id == name);
    let origin = preset.map_or(String::new(), |preset| format!(" ({})", preset.source));
    format!("the known optimum of `{name}`{origin}")
}
