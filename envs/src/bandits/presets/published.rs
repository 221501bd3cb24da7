//! Instances published with their exact parameters.

use super::rested;
use crate::bandits::{ArmConfig, InstanceConfig, NoiseConfig, StartConfig};

/// Exactly one play, all arms just played: the setting of both papers' released experiments.
fn published(
    arms: Vec<ArmConfig>,
    noise: NoiseConfig,
    horizon: u32,
    optimal_rate: Option<f64>,
) -> InstanceConfig {
    InstanceConfig {
        exact: true,
        start: StartConfig::JustPlayed,
        noise,
        horizon,
        ..rested(arms, optimal_rate)
    }
}

/// The main experiment of the LSD paper. The optimum repeats 9 rounds: 3 × 0.95, 0.96 and 5 × 0.15.
pub(super) fn spike5() -> InstanceConfig {
    let payoffs = |f: fn(u16) -> f64| ArmConfig::DelayTable {
        payoffs: (1..=10).map(f).collect(),
    };
    let flat = || payoffs(|_| 0.15);
    let spike = payoffs(|d| if d == 3 { 0.95 } else { 0.0 });
    let late = payoffs(|d| match d {
        6 => 0.16,
        9.. => 0.96,
        _ => 0.14,
    });
    let arms = vec![flat(), spike, late, flat(), flat()];
    published(arms, NoiseConfig::Bernoulli, 3600, Some(4.56 / 9.0))
}

/// The supplementary experiment of the LSD paper. The optimum alternates 0.95 and 0.05.
pub(super) fn step2() -> InstanceConfig {
    let arms = vec![
        ArmConfig::Constant { mean: 0.05 },
        ArmConfig::DelayTable {
            payoffs: vec![0.06, 0.95],
        },
    ];
    published(arms, NoiseConfig::Bernoulli, 3300, Some(0.5))
}

/// θ0, θ1, θ2 of the ten logistic arms: `numpy.random.RandomState(2374)`; θ0 ~ U(0.1, 1) for all arms, then
/// θ1 ~ U(0.1, 1), then θ2 ~ U(0.1, 30).
const PB_LOGISTIC: [[f64; 3]; 10] = [
    [
        0.584_051_603_536_475_1,
        0.521_040_162_243_032_6,
        12.238_885_771_233_32,
    ],
    [
        0.970_762_825_545_818_2,
        0.357_334_872_133_120_54,
        10.459_697_615_666_478,
    ],
    [
        0.120_809_813_160_040_14,
        0.621_886_449_748_902_5,
        25.630_587_438_228_805,
    ],
    [
        0.239_583_437_064_717_2,
        0.943_386_523_038_799_3,
        18.870_402_006_591_075,
    ],
    [
        0.613_342_082_527_405_3,
        0.924_977_850_481_950_8,
        20.310_148_012_082_37,
    ],
    [
        0.480_410_222_584_267_24,
        0.913_674_015_432_666_4,
        1.451_991_644_351_398_7,
    ],
    [
        0.973_853_568_429_180_2,
        0.484_157_509_435_220_2,
        10.128_352_907_594_047,
    ],
    [
        0.799_644_816_005_091_5,
        0.422_325_295_165_722_5,
        0.395_845_796_251_759_86,
    ],
    [
        0.657_904_316_059_509_9,
        0.591_178_149_655_387_4,
        23.263_904_661_858_16,
    ],
    [
        0.687_238_295_229_425_1,
        0.753_123_754_285_898_8,
        7.908_314_228_622_975,
    ],
];

/// θ0, θ1, θ2 of the ten hump-shaped arms: `numpy.random.RandomState(6592)`; θ1 ~ U(0.1, 0.8) for all arms, then
/// θ0 ~ U(2·θ1, 20·θ1), then θ2 ~ U(0.1, 1).
const PB_GAMMA: [[f64; 3]; 10] = [
    [
        2.068_319_455_066_417_2,
        0.249_325_499_805_426_43,
        0.507_835_619_529_814_8,
    ],
    [
        5.023_301_138_971_751_5,
        0.374_916_110_874_125_6,
        0.551_162_077_527_895_9,
    ],
    [
        3.656_676_556_843_990_5,
        0.470_208_068_437_941_05,
        0.772_166_835_270_864_2,
    ],
    [
        0.560_212_250_567_241_1,
        0.176_211_479_510_421_76,
        0.569_060_636_262_412_2,
    ],
    [
        3.901_359_791_195_709,
        0.747_474_354_408_886_5,
        0.500_266_505_406_081,
    ],
    [
        0.600_309_487_404_601_3,
        0.144_922_411_059_433_88,
        0.266_005_796_168_328_1,
    ],
    [
        6.482_363_651_697_658,
        0.522_472_719_440_206_5,
        0.553_934_612_545_27,
    ],
    [
        13.644_707_228_972_631,
        0.748_056_823_390_111_4,
        0.678_493_996_530_639_8,
    ],
    [
        7.364_989_142_913_522,
        0.562_891_528_646_869_9,
        0.287_545_442_655_251_6,
    ],
    [
        2.704_788_582_521_448_6,
        0.593_118_646_689_527_9,
        0.380_867_752_471_009_9,
    ],
];

/// Variance 0.01.
const PB_NOISE: NoiseConfig = NoiseConfig::Gaussian { sigma: 0.1 };

pub(super) fn pb_log10() -> InstanceConfig {
    let arm = |&[height, slope, center]: &[f64; 3]| ArmConfig::LogisticRecharge {
        height,
        slope,
        center,
        max_covariate: 30,
    };
    published(PB_LOGISTIC.iter().map(arm).collect(), PB_NOISE, 1000, None)
}

pub(super) fn pb_gamma10() -> InstanceConfig {
    let arm = |&[shape, rate, height]: &[f64; 3]| ArmConfig::GammaHump {
        shape,
        rate,
        height,
        max_covariate: 30,
    };
    published(PB_GAMMA.iter().map(arm).collect(), PB_NOISE, 1000, None)
}
