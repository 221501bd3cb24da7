//! What a core costs: counted from the module as it was built, so that the numbers are those of what runs.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::Tensor,
};
use serde::Serialize;

use crate::SequenceCore;

/// Sizes of a core, and the work of one token in one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Numbers that are trained.
    pub parameters: usize,
    /// Numbers that a row remembers.
    pub state: usize,
    /// Multiply-adds of a token: one for each parameter that multiplies, and those with what is remembered. Functions
    /// of single numbers (exponentials, gates), norms and what depends on parameters alone (discretisation) are not
    /// counted.
    pub multiply_adds: usize,
}

impl Cost {
    /// Counts the parameters of `core`.
    pub fn of(core: &(impl SequenceCore + Module)) -> Self {
        let mut count = Count::default();
        core.visit(&mut count);
        Self {
            parameters: core.num_params(),
            state: core.state_width(),
            multiply_adds: count.multiply + core.state_multiply_adds(),
        }
    }
}

/// Counts parameters that multiply: all but those whose name says that they are added.
#[derive(Default)]
struct Count {
    path: Vec<String>,
    multiply: usize,
}

impl ModuleVisitor for Count {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let added = self.path.last().is_some_and(|name| name.ends_with("bias"));
        if !added {
            self.multiply += param.lazy_shape().num_elements();
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;
    use serde_json::{Value, json};

    use super::*;
    use crate::{StackConfig, registry};

    fn cost(core: &str, width: usize, layers: usize, args: Value) -> Cost {
        let config = StackConfig {
            core: core.into(),
            width,
            layers,
            args,
        };
        let rng = &mut Stream::new(1, 0, "cost");
        Cost::of(&config.init(rng, &Device::flex()).unwrap())
    }

    /// Counted by hand from the formulas.
    #[test]
    fn counts_are_those_of_the_formulas() {
        // W u and U h, 3·D² each, and three products of D numbers.
        let gru = cost("gru", 8, 1, Value::Null);
        assert_eq!(gru.state, 8);
        assert_eq!(gru.multiply_adds, 6 * 64 + 3 * 8);
        // B̃u and C̃x, D·P each; λ∘x, 4 for each of P/2 pairs; λ and Δ (3·P/2) and D; two maps of the gate.
        let s5 = cost("s5", 8, 1, json!({"state": 4}));
        assert_eq!(s5.parameters, 2 * 8 * 4 + 6 + 8 + 2 * 72);
        assert_eq!(s5.multiply_adds, 2 * 8 * 4 + 8 + 6 + 8 + 2 * 64);
    }

    /// Layers add up, and no core is free.
    #[test]
    fn every_core_costs_at_least_its_weights() {
        for entry in registry() {
            let one = cost(entry.name, 64, 1, Value::Null);
            let three = cost(entry.name, 64, 3, Value::Null);
            assert_eq!(three.parameters, 3 * one.parameters, "{}", entry.name);
            assert_eq!(three.state, 3 * one.state, "{}", entry.name);
            assert_eq!(three.multiply_adds, 3 * one.multiply_adds, "{}", entry.name);
            assert!(2 * one.multiply_adds > one.parameters, "{}", entry.name);
        }
    }
}
