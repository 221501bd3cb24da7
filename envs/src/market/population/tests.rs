//! Distributions and rules of the traders, and a day of all of them.

use super::*;
use crate::{
    market::{
        book::BookConfig,
        event::EventSink,
        kernel::{Calendar, Kernel, KernelConfig, Seat, TraderTables, Traders},
        order::TraderId,
    },
    math::exp,
};

/// A day's market.
fn kernel() -> Kernel {
    let mut config = KernelConfig::single(BookConfig::default());
    config.calendar = Some(Calendar::new_york());
    Kernel::new(config).unwrap()
}

fn tables(flow: &impl OrderFlow) -> TraderTables {
    let mut tables = TraderTables::new(flow.traders() as usize, 1);
    for (i, seat) in tables.view().seats.iter_mut().enumerate() {
        *seat = Seat {
            delays: flow.delays(i as u32),
            ..Seat::default()
        };
    }
    tables
}

/// Runs a day; calls `see` with each event.
fn day(population: &mut Population, seed: u64, mut see: impl FnMut(Time, Event)) -> Kernel {
    let mut kernel = kernel();
    let mut tables = tables(population);
    let mut traders = tables.view();
    let stream = Stream::new(seed, 0, "test");
    kernel.open(clock(9, 0, 0), population, stream, &mut traders, &mut see);
    kernel.run(clock(16, 0, 1), population, &mut traders, &mut see);
    kernel
}

#[test]
fn sizes_are_the_mixture() {
    let mut rng = Stream::new(0, 0, "test");
    let sizes: Vec<Size> = (0..40_000).map(|_| order_size(&mut rng)).collect();
    let share = |low, high| {
        let within = sizes.iter().filter(|size| (low..=high).contains(*size));
        within.count() as f64 / 40_000.0
    };
    // Of the log-normal part, about 3.5 % lies within 10 of 100, and 3 in 1000 of 400.
    assert!((share(90, 110) - 0.708).abs() < 0.012, "{}", share(90, 110));
    assert!(
        (share(398, 402) - 0.0332).abs() < 0.004,
        "{}",
        share(398, 402)
    );
    // exp(2.9) = 18 is the median of the log-normal part.
    assert!((share(0, 17) - 0.1).abs() < 0.007, "{}", share(0, 17));
    assert!(share(997, 1003) > 0.0);
}

#[test]
fn noise_traders_come_at_the_ends_of_the_day() {
    let config = NoiseConfig::default();
    let mut rng = Stream::new(0, 0, "test");
    let hour = clock(1, 0, 0);
    let times: Vec<Time> = (0..20_000).map(|_| config.arrival(&mut rng)).collect();
    assert!(
        times
            .iter()
            .all(|t| (config.from..=config.until).contains(t))
    );
    let within = |from: Time, until: Time| {
        times.iter().filter(|t| (from..until).contains(*t)).count() as f64 / 20_000.0
    };
    // The share of the first half hour is (1 - (6/7)³) / 2.
    let first = within(config.from, config.from + hour / 2);
    assert!((first - 0.185).abs() < 0.012, "{first}");
    // The middle hour has (1/7)³.
    let middle = within(config.from + 3 * hour, config.from + 4 * hour);
    assert!((middle - 0.0029).abs() < 0.0016, "{middle}");
}

#[test]
fn the_fundamental_value_is_an_ornstein_uhlenbeck_process() {
    let config = OracleConfig {
        reversion: 1e-13,
        shock_rate: 0.0,
        volatility: 1e-4,
        ..OracleConfig::default()
    };
    // Asked often or seldom, the distribution after three hours is the same.
    for steps in [1, 30] {
        let length = clock(3, 0, 0);
        let values: Vec<f64> = (0..2000)
            .map(|seed| {
                let mut oracle = Oracle::new(
                    &config,
                    &ActivityConfig::default(),
                    0,
                    StreamKey::new(seed, 0, "test"),
                );
                (1..=steps).for_each(|i| {
                    oracle.value(length / steps * i);
                });
                oracle.last() - config.mean
            })
            .collect();
        let mean = values.iter().sum::<f64>() / 2000.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 2000.0;
        let expected = 1e-8 * (1.0 - exp(-2.0 * 1e-13 * length as f64)) / 2e-13;
        // Four standard errors.
        assert!(mean.abs() < 4.0 * (expected / 2000.0).sqrt(), "{mean}");
        assert!(
            (variance / expected - 1.0).abs() < 4.0 * (2.0f64 / 2000.0).sqrt(),
            "{variance}"
        );
    }
}

#[test]
fn shocks_come_at_their_rate() {
    let config = OracleConfig {
        shock_rate: 1e-12,
        volatility: 0.0,
        ..OracleConfig::default()
    };
    let mut shocked = 0;
    for seed in 0..1000 {
        let mut oracle = Oracle::new(
            &config,
            &ActivityConfig::default(),
            0,
            StreamKey::new(seed, 0, "test"),
        );
        // With probability e^{-1} there is none.
        let value = oracle.value(1_000_000_000_000);
        shocked += u32::from((value - config.mean).abs() > 10.0);
    }
    assert!(
        (f64::from(shocked) / 1000.0 - 0.632).abs() < 0.06,
        "{shocked}"
    );
}

/// The last trade and the fundamental value stay together, and equal seeds give equal days.
#[test]
fn a_day_follows_the_fundamental_value_and_can_be_repeated() {
    let mut population = Population::new(PopulationConfig::default(), 1);
    let mut run = |seed| {
        let mut hash = 0u64;
        let (mut trades, mut volume) = (0, 0);
        let kernel = day(&mut population, seed, |time, event| {
            if let Event::Trade(trade) = event {
                trades += 1;
                volume += trade.size;
                hash = hash
                    .wrapping_mul(31)
                    .wrapping_add((time + trade.price + trade.size) as u64);
            }
        });
        let last = kernel.book(Symbol(0)).last_price().unwrap() as f64 / 100.0;
        (
            hash,
            trades,
            volume,
            last,
            population.fundamental(),
            kernel.events(),
        )
    };
    let first = run(7);
    let (_, trades, _, last, fundamental, events) = first;
    assert!(trades > 3000, "{first:?}");
    assert!(events > 30_000, "{first:?}");
    // Within half a percent.
    assert!((last / fundamental - 1.0).abs() < 0.005, "{first:?}");
    assert_ne!(run(8).0, first.0);
    assert_eq!(run(7), first);
}

#[test]
fn an_empty_population_does_nothing() {
    let config = PopulationConfig {
        noise: (0, NoiseConfig::default()),
        value: (0, ValueConfig::default()),
        momentum: (0, MomentumConfig::default()),
        market_makers: (0, MarketMakerConfig::default()),
        ..PopulationConfig::default()
    };
    let mut population = Population::new(config, 0);
    let kernel = day(&mut population, 1, |_, _| {});
    assert_eq!(kernel.book(Symbol(0)).live_orders(), 0);
}

#[test]
fn business_time_passes_at_speed_one_on_average() {
    let config = ActivityConfig {
        deviation: 0.8,
        memory: 300e9,
    };
    let day = clock(6, 30, 0);
    let mut sum = 0.0;
    for seed in 0..400 {
        let mut activity = Activity::new(&config, 0, Stream::new(seed, 0, "test"));
        // In steps or at once, the same time passes.
        let once = activity.clone().elapsed(0, day);
        let step = day / 7;
        let pieces: f64 = (0..7)
            .map(|i| activity.elapsed(i * step, (i + 1) * step))
            .sum();
        let rest = activity.elapsed(7 * step, day);
        assert!(((pieces + rest) / once - 1.0).abs() < 1e-12);
        sum += once / day as f64;
    }
    // A day has about 40 independent speeds of variance e^{0.64} - 1 = 0.9; four standard errors.
    assert!((sum / 400.0 - 1.0).abs() < 0.03, "{}", sum / 400.0);
    let mut still = Activity::new(&ActivityConfig::default(), 0, Stream::new(0, 0, "test"));
    assert_eq!(still.elapsed(5, 50), 45.0);
    assert_eq!(still.speed(), 1.0);
}

#[test]
fn presets_are_in_range_and_mistakes_are_told() {
    for preset in [Preset::Rmsc04, Preset::BusinessTime] {
        assert_eq!(preset.config().problems(), []);
    }
    assert_eq!(Preset::Rmsc04.config(), PopulationConfig::default());
    let mut config = PopulationConfig::default();
    config.value.1.pause = 0.0;
    config.market_makers.1.participation = f64::NAN;
    config.activity.deviation = 9.0;
    (config.momentum.1.short, config.momentum.1.long) = (50, 20);
    let keys: Vec<&str> = config.problems().iter().map(|p| p.key).collect();
    assert_eq!(
        keys,
        [
            "activity.deviation",
            "activity.memory",
            "value.1.pause",
            "momentum.1.short",
            "market_makers.1.participation"
        ]
    );
}

/// With a speed that varies, the number of trades of a half hour varies more.
#[test]
fn traders_follow_business_time() {
    let dispersion = |deviation| {
        let mut config = Preset::BusinessTime.config();
        config.noise.0 = 0;
        config.activity.deviation = deviation;
        let mut population = Population::new(config, 1);
        let mut counts = Vec::new();
        for seed in 0..3 {
            let mut halves = [0.0; 13];
            day(&mut population, seed, |time, event| {
                if let Event::Trade(_) = event {
                    let half = (time - clock(9, 30, 0)) / clock(0, 30, 0);
                    halves[half.clamp(0, 12) as usize] += 1.0;
                }
            });
            counts.extend(halves);
        }
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let squares = counts.iter().map(|n| (n - mean) * (n - mean));
        (squares.sum::<f64>() / counts.len() as f64).sqrt() / mean
    };
    let (calm, varied) = (dispersion(0.0), dispersion(1.0));
    assert!(varied > 2.0 * calm, "{calm} {varied}");
}

/// The ladders of market makers alone, told of an imbalance at 0.9.
fn makers_only() -> PopulationConfig {
    PopulationConfig {
        noise: (0, NoiseConfig::default()),
        value: (0, ValueConfig::default()),
        momentum: (0, MomentumConfig::default()),
        ..PopulationConfig::default()
    }
}

/// A trader of no population sends a limit order now; returns the time.
fn send(
    (kernel, population, traders): (&mut Kernel, &mut Population, &mut Traders<'_>),
    see: &mut impl EventSink,
    (side, size, tick): (Side, Size, Price),
) -> Time {
    let (now, player) = (kernel.now(), TraderId(1));
    let order = NewOrder::limit(OrderId::ASSIGN, player, side, size, 100 * tick);
    let mut desk = kernel.desk(player, now, traders);
    desk.send(SYMBOL, Message::New(order));
    kernel.run(now, population, traders, see);
    now
}

/// Two orders of another trader open the market; the market maker cancels and quotes 50 ns apart, and quotes once more when a
/// large order makes one side of the book ten times as large as the other.
#[test]
fn market_makers_quote_again_when_the_book_is_one_sided() {
    let mut config = makers_only();
    config.market_makers.0 = 1;
    config.market_makers.1.pause = 1e9;
    config.market_makers.1.min_size = 10;
    config.open = 0;
    for (threshold, again) in [(0.9, 20), (1.0, 0)] {
        config.market_makers.1.imbalance = threshold;
        let mut population = Population::new(config.clone(), 1);
        let way = population.ways[0];
        let mut kernel = Kernel::new(KernelConfig::single(BookConfig::default())).unwrap();
        let mut tables = TraderTables::new(2, 1);
        let mut traders = tables.view();
        traders.seats[0].delays = population.delays(0);
        let mut rested: Vec<Time> = Vec::new();
        let mut cancelled: Vec<Time> = Vec::new();
        let mut see = |time: Time, event: Event| match event {
            Event::Rested { trader, .. } if trader.0 == 0 => rested.push(time),
            Event::Cancelled { trader, .. } if trader.0 == 0 => cancelled.push(time),
            _ => {}
        };
        let stream = Stream::new(3, 0, "test");
        kernel.open(0, &mut population, stream, &mut traders, &mut see);
        send(
            (&mut kernel, &mut population, &mut traders),
            &mut see,
            (Side::Buy, 100, 99_990),
        );
        send(
            (&mut kernel, &mut population, &mut traders),
            &mut see,
            (Side::Sell, 100, 100_010),
        );
        // Until it has cancelled its first ladder and sent the second.
        let mut until = 0;
        while kernel.book(SYMBOL).live_orders() < 22 || until < 5_000_000_000 {
            until += 1000;
            kernel.run(until, &mut population, &mut traders, &mut see);
        }
        let shares = [Side::Buy, Side::Sell].map(|side| {
            kernel
                .book(SYMBOL)
                .levels(side)
                .map(|l| l.size)
                .sum::<Size>()
        });
        assert_eq!(population.imbalance.shares(), shares);
        let now = send(
            (&mut kernel, &mut population, &mut traders),
            &mut see,
            (Side::Buy, 100_000, 50_000),
        );
        // It has heard of it one way later, and its quotes take as long and 50 ns.
        kernel.run(now + 2 * way + 50, &mut population, &mut traders, &mut see);
        let late = rested
            .iter()
            .filter(|time| **time == now + 2 * way + 50)
            .count();
        assert_eq!(late, again);
        assert!(cancelled.iter().all(|time| rested.contains(&(time + 50))));
        assert!(cancelled.len() >= 20);
    }
}

/// While a trader thinks, a wake-up waits.
#[test]
fn a_busy_trader_wakes_up_later() {
    let mut config = makers_only();
    config.open = 0;
    config.market_makers.0 = 0;
    config.momentum = (
        1,
        MomentumConfig {
            pause: 1e6,
            short: 1,
            long: 1,
        },
    );
    config.computation = 1_000_000_000;
    let mut population = Population::new(config, 0);
    let mut kernel = Kernel::new(KernelConfig::single(BookConfig::default())).unwrap();
    let mut tables = TraderTables::new(1, 1);
    let mut traders = tables.view();
    let stream = Stream::new(3, 0, "test");
    let mut ignore = |_: Time, _: Event| {};
    kernel.open(0, &mut population, stream, &mut traders, &mut ignore);
    kernel.run(100_000_000_000, &mut population, &mut traders, &mut ignore);
    // It asks to be woken a thousand times a second, but a thought takes a second.
    let (_, wakes) = population.streams[0];
    assert!((99..=100).contains(&wakes), "{wakes}");
}

#[test]
fn cubic_latency_has_its_distribution() {
    let mut rng = Stream::new(1, 0, "test");
    assert_eq!(LatencyConfig::Deterministic.late(1000, &mut rng), 0);
    let cubic = LatencyConfig::Cubic(CubicLatency::default());
    let way = 1_000_000;
    let late: Vec<Time> = (0..40_000).map(|_| cubic.late(way, &mut rng)).collect();
    // 0.5 / x³ tenths of the way: at least half a tenth, at most 500 tenths; half of the time at least 0.5 / 0.55³ = 3.
    assert!(late.iter().all(|late| (50_000..=50_000_000).contains(late)));
    let above = late.iter().filter(|late| **late > 300_526).count();
    assert!(
        (f64::from(above as u32) / 40_000.0 - 0.5).abs() < 0.01,
        "{above}"
    );
}
