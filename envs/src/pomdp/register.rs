//! The environments of this family by name.

use std::{path::PathBuf, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    FAMILY, Pomdp, PomdpEnvironment, PomdpModel,
    args::within,
    classic::{
        CryingBaby, Hallway, LaserTag, LaserTagArgs, LightDark, LightDark2d, LightDark2dArgs,
        LightDarkArgs, RockSample, TMaze, Tag, Tiger,
    },
    memory_chain::{self, MemoryChain, MemoryChainArgs},
    meta_cartpole::{self, MetaCartPole, MetaCartPoleArgs},
    pomdp_file, popgym,
    task_set::{self, TaskSet, TaskSetArgs},
};
use crate::{
    error::EnvError,
    registry::Registry,
    sim::{BatchPlugin, Plugin, RowPlugin},
};

/// A classic problem as arguments of its environment.
trait Problem:
    PomdpModel + Serialize + DeserializeOwned + Default + JsonSchema + Send + Sync + 'static
{
    const ID: &'static str;
    const SUMMARY: &'static str;
    /// Steps after which an episode is truncated.
    const HORIZON: u32;

    /// What compiling would not find, or only after building large tables.
    fn check(&self) -> Result<(), EnvError> {
        Ok(())
    }
}

impl Problem for Tiger {
    const ID: &'static str = "tiger-v1";
    const SUMMARY: &'static str = "Listen for the tiger, then open the other door.";
    const HORIZON: u32 = 100;

    fn check(&self) -> Result<(), EnvError> {
        within("accuracy", self.accuracy, 0.0..=1.0).map(drop)
    }
}

impl Problem for CryingBaby {
    const ID: &'static str = "crying_baby-v1";
    const SUMMARY: &'static str =
        "Feed a baby when it is hungry, which its crying tells unreliably.";
    const HORIZON: u32 = 100;
}

impl Problem for TMaze {
    const ID: &'static str = "t_maze-v1";
    const SUMMARY: &'static str =
        "Remember a sign at the start of a corridor to turn right at its end.";
    const HORIZON: u32 = 200;

    fn check(&self) -> Result<(), EnvError> {
        within("length", self.length, 1..=10_000).map(drop)
    }
}

impl Problem for Hallway {
    const ID: &'static str = "hallway-v1";
    const SUMMARY: &'static str = "Find out where one is in a building to get to a goal.";
    const HORIZON: u32 = 251;
}

impl Problem for RockSample {
    const ID: &'static str = "rock_sample-v1";
    const SUMMARY: &'static str =
        "Sample the good rocks of a grid by a sensor that sees worse with distance.";
    const HORIZON: u32 = 200;

    fn check(&self) -> Result<(), EnvError> {
        Self::check(self)
    }
}

impl Problem for Tag {
    const ID: &'static str = "tag-v1";
    const SUMMARY: &'static str =
        "Find and tag an opponent that flees and is seen in one's own cell only.";
    const HORIZON: u32 = 200;
}

fn problem<P: Problem>(registry: &mut Registry) {
    registry.register(P::ID, FAMILY, P::SUMMARY, |args: P| {
        within("discount", args.discount(), 0.0..=1.0)?;
        args.check()?;
        let model = Arc::new(Pomdp::compile(&args)?.drawn_by(args));
        let env = PomdpEnvironment::new(P::ID, P::SUMMARY, P::HORIZON, model);
        Ok(Box::new(RowPlugin::new(env)) as Box<dyn Plugin>)
    });
}

/// Arguments of `pomdp_file-v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PomdpFileArgs {
    /// A `.pomdp` file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The text of such a file, instead of its path; the tiger problem if there is neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Steps after which an episode is truncated.
    pub horizon: u32,
}

impl Default for PomdpFileArgs {
    fn default() -> Self {
        Self {
            path: None,
            text: None,
            horizon: 200,
        }
    }
}

const FILE_SUMMARY: &str = "Any problem from a file in Cassandra's .pomdp format.";

fn from_file(args: &PomdpFileArgs) -> Result<PomdpEnvironment, EnvError> {
    let read = |text: &str, key: &str, place: &str| {
        pomdp_file::read(text).map_err(|error| EnvError::argument(key, format!("{place}{error}")))
    };
    let environment =
        |model| PomdpEnvironment::new("pomdp_file-v1", FILE_SUMMARY, args.horizon, Arc::new(model));
    let file = match (&args.path, &args.text) {
        (Some(_), Some(_)) => {
            return Err(EnvError::argument(
                "text",
                "give either `path` or `text`, not both",
            ));
        }
        (Some(path), None) => {
            let text = std::fs::read_to_string(path);
            let text =
                text.map_err(|e| EnvError::argument("path", format!("{}: {e}", path.display())))?;
            read(&text, "path", &format!("{}: ", path.display()))?
        }
        (None, Some(text)) => read(text, "text", "")?,
        (None, None) => {
            return Ok(environment(Pomdp::compile(&Tiger::default())?));
        }
    };
    let notes = file.warnings.iter();
    let notes = notes
        .map(|note| format!("`pomdp_file-v1`: {note}"))
        .collect();
    Ok(environment(file.model).with_notes(notes))
}

/// Registers the environments of this family.
pub fn register(registry: &mut Registry) {
    popgym::register(registry);
    registry.register(
        memory_chain::ID,
        FAMILY,
        memory_chain::SUMMARY,
        |args: MemoryChainArgs| Ok(Box::new(BatchPlugin(MemoryChain::new(&args)?))),
    );
    registry.register(
        meta_cartpole::ID,
        FAMILY,
        meta_cartpole::SUMMARY,
        |args: MetaCartPoleArgs| Ok(Box::new(BatchPlugin(MetaCartPole::new(&args)?))),
    );
    registry.register(
        task_set::ID,
        FAMILY,
        task_set::SUMMARY,
        |args: TaskSetArgs| {
            let known = crate::registry();
            let build = |id: &str, args: &Value| known.build(id, args);
            Ok(Box::new(TaskSet::new(&args, build)?))
        },
    );
    problem::<Tiger>(registry);
    problem::<CryingBaby>(registry);
    problem::<TMaze>(registry);
    problem::<Hallway>(registry);
    problem::<RockSample>(registry);
    problem::<Tag>(registry);
    registry.register(
        "light_dark-v1",
        FAMILY,
        "Stop near 0 on a line that is lit at 5 only.",
        |args: LightDarkArgs| Ok(Box::new(RowPlugin::new(LightDark::new(&args)))),
    );
    registry.register(
        "light_dark_2d-v1",
        FAMILY,
        "Be at the origin of a plane that is lit on one side only.",
        |args: LightDark2dArgs| Ok(Box::new(RowPlugin::new(LightDark2d::new(&args)?))),
    );
    registry.register(
        "laser_tag-v1",
        FAMILY,
        "Find and tag a fleeing opponent by eight noisy lasers, without knowing where one is.",
        |args: LaserTagArgs| Ok(Box::new(RowPlugin::new(LaserTag::new(&args)))),
    );
    registry.register(
        "pomdp_file-v1",
        FAMILY,
        FILE_SUMMARY,
        |args: PomdpFileArgs| Ok(Box::new(RowPlugin::new(from_file(&args)?))),
    );
}
