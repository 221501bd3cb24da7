//! Layers are their parts, and their gradients too.

use burn::{
    module::Param,
    tensor::{Device, Tensor},
};

use super::*;
use crate::testing::{assert_same, noise, values};

/// Small, a single output, and large enough for several tasks.
const SHAPES: [[usize; 4]; 3] = [[2, 3, 5, 4], [3, 7, 6, 1], [4, 300, 20, 64]];

/// Values and gradients are those of Burn's operations.
#[test]
fn a_layer_is_its_parts() {
    let device = Device::flex().autodiff();
    for [batch, steps, inner, outer] in SHAPES {
        let layer = Linear {
            weight: Param::from_tensor(noise("weight", [inner, outer], &device)),
            bias: Some(Param::from_tensor(noise("bias", [outer], &device))),
        };
        let by = noise::<3>("by", [batch, steps, outer], &device);
        for rectifier in [Rectifier::None, Rectifier::Leaky, Rectifier::Plain] {
            let plain = |x: Tensor<3>| match rectifier {
                Rectifier::None => layer.forward(x),
                Rectifier::Leaky => activation::leaky_relu(layer.forward(x), 0.01),
                Rectifier::Plain => activation::relu(layer.forward(x)),
            };
            let fused = |x| linear(&layer, x, rectifier);
            let [found, expected] =
                [&fused as &dyn Fn(Tensor<3>) -> Tensor<3>, &plain].map(|run| {
                    let x = noise::<3>("x", [batch, steps, inner], &device).require_grad();
                    let y = run(x.clone());
                    let grads = (y.clone() * by.clone()).sum().backward();
                    let bias = layer.bias.as_ref().unwrap().val();
                    (
                        y.inner(),
                        x.grad(&grads).unwrap(),
                        layer.weight.val().grad(&grads).unwrap(),
                        bias.grad(&grads).unwrap(),
                    )
                });
            assert_same(&found.0, &expected.0, 1e-5);
            assert_same(&found.1, &expected.1, 1e-5);
            assert_same(&found.2, &expected.2, 1e-4);
            assert_same(&found.3, &expected.3, 1e-4);
        }
    }
}

#[test]
fn a_base_of_the_result_s_shape_is_added() {
    let device = Device::flex().autodiff();
    let [base, x] = ["base", "x"].map(|name| noise::<2>(name, [40, 6], &device));
    let weight = noise::<2>("weight", [6, 6], &device).require_grad();
    let by = noise::<2>("by", [40, 6], &device);
    let run = |fused: bool| {
        let (base, x) = (base.clone().require_grad(), x.clone().require_grad());
        let y = if fused {
            plus_product(base.clone(), x.clone(), weight.clone())
        } else {
            base.clone() + x.clone().matmul(weight.clone())
        };
        let grads = (y.clone() * by.clone()).sum().backward();
        [
            y.inner(),
            base.grad(&grads).unwrap(),
            x.grad(&grads).unwrap(),
            weight.grad(&grads).unwrap(),
        ]
    };
    for (found, expected) in run(true).iter().zip(&run(false)) {
        assert_same(found, expected, 1e-5);
    }
}

#[test]
fn what_is_no_number_stays_none() {
    let device = Device::flex();
    let layer = Linear {
        weight: Param::from_tensor(Tensor::ones([1, 1], &device)),
        bias: Some(Param::from_tensor(Tensor::zeros([1], &device))),
    };
    let x = Tensor::<2>::from_data([[f32::NAN], [f32::INFINITY]], &device);
    for rectifier in [Rectifier::None, Rectifier::Leaky, Rectifier::Plain] {
        let y = values(&linear(&layer, x.clone(), rectifier));
        assert!(y[0].is_nan() && y[1] == f64::INFINITY);
    }
}
