//! How hard a step tries: as usual, or as long as `cargo xtask torture` wants it.

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    Usual,
    Long {
        /// How long each of those lasts that can go on for any time.
        minutes: u64,
        /// Where random choices begin.
        seed: u64,
    },
}

impl Effort {
    pub fn is_long(self) -> bool {
        self != Effort::Usual
    }

    /// What the test programs read of it; nothing in the usual case.
    pub fn environment(self) -> Vec<(&'static str, String)> {
        let Effort::Long { minutes, seed } = self else { return Vec::new() };
        vec![
            // The C and C# tests: storms of a million, and more rounds.
            ("BACKRUN_TORTURE", "1".to_owned()),
            ("BACKRUN_STRESS_SECONDS", (minutes * 60).to_string()),
            ("BACKRUN_STRESS_SEED", seed.to_string()),
            ("PROPTEST_CASES", (minutes * 2000).to_string()),
            // The durable store: power cuts, at some twenty a second.
            ("BACKRUN_POWER_CUTS", (minutes * 2000).to_string()),
            // The models: interrupted more often, and, since nobody knows how long that takes, each for a limited time, which
            // loom looks at once in so many executions.
            ("BACKRUN_MODEL_PREEMPTIONS", "2".to_owned()),
            ("LOOM_MAX_DURATION", (minutes * 4).to_string()),
            ("LOOM_CHECKPOINT_INTERVAL", "1000".to_owned()),
        ]
    }

    /// How long something may take that usually may take `usual`.
    pub fn limit(self, usual: Duration) -> Duration {
        match self {
            Effort::Usual => usual,
            Effort::Long { minutes, .. } => usual + Duration::from_secs(minutes * 60 * 8),
        }
    }

    /// The same from other choices on, for a test that runs several times.
    pub fn with_another_seed(self, number: u64) -> Self {
        match self {
            Effort::Usual => self,
            // A stress counts its seeds up by one a round.
            Effort::Long { minutes, seed } => Effort::Long { minutes, seed: seed + number * 1_000_000 },
        }
    }
}
