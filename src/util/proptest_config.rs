//! How long tests look for values of which a property does not hold. The seed is printed, and
//! `PROPTEST_RNG_SEED` repeats a run; values that failed are kept in `proptest-regressions` and tried
//! first.

use proptest::test_runner::{Config, RngSeed};

/// So many values, unless `PROPTEST_CASES` says otherwise.
pub fn config(cases: u32) -> Config {
    let default = Config::default();
    let is_set = std::env::var_os("PROPTEST_CASES").is_some();
    let seed = match default.rng_seed {
        RngSeed::Random => rand::random(),
        RngSeed::Fixed(seed) => seed,
    };
    println!("PROPTEST_RNG_SEED={seed}");
    Config {
        rng_seed: RngSeed::Fixed(seed),
        cases: if is_set { default.cases } else { cases },
        ..default
    }
}

/// One of two sizes of a test: `long` in `npm run test:full`, which sets `GSO_ANALYTICS_LONG_TESTS`.
pub fn size(short: u32, long: u32) -> u32 {
    match std::env::var_os("GSO_ANALYTICS_LONG_TESTS") {
        Some(_) => long,
        None => short,
    }
}
