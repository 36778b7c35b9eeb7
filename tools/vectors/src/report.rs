//! What is printed: every failure, every line that is not applicable, and the table.

use crate::checks::Outcome;
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Report {
    families: BTreeMap<String, Counts>,
    failures: Vec<String>,
    /// Lines, by why.
    not_applicable: BTreeMap<String, Vec<String>>,
}

#[derive(Default, Clone, Copy)]
struct Counts {
    passed: usize,
    failed: usize,
    not_applicable: usize,
}

impl Report {
    pub fn add(&mut self, family: &str, id: &str, outcome: Outcome) {
        let counts = self.families.entry(family.to_owned()).or_default();
        match outcome {
            Outcome::Passed => counts.passed += 1,
            Outcome::Failed(why) => {
                counts.failed += 1;
                self.failures.push(format!("{id}: {why}"));
            }
            Outcome::NotApplicable(why) => {
                counts.not_applicable += 1;
                self.not_applicable.entry(why).or_default().push(id.to_owned());
            }
        }
    }

    /// Whether no line failed, and one passed at least.
    pub fn print(&self) -> bool {
        if !self.not_applicable.is_empty() {
            println!("not applicable:");
        }
        for (why, ids) in &self.not_applicable {
            println!("  {why}");
            ids.iter().for_each(|id| println!("      {id}"));
        }
        for failure in &self.failures {
            println!("FAILED {failure}");
        }
        println!("\n{:<20} {:>6} {:>7} {:>7} {:>15}", "family", "lines", "passed", "failed", "not applicable");
        let mut all = Counts::default();
        for (family, counts) in &self.families {
            row(family, *counts);
            all.passed += counts.passed;
            all.failed += counts.failed;
            all.not_applicable += counts.not_applicable;
        }
        row("all", all);
        all.failed == 0 && all.passed > 0
    }
}

fn row(name: &str, counts: Counts) {
    let lines = counts.passed + counts.failed + counts.not_applicable;
    println!("{name:<20} {lines:>6} {:>7} {:>7} {:>15}", counts.passed, counts.failed, counts.not_applicable);
}
