//! The sum of all tests, and the lines that close a run.

use super::counts::Counts;
use super::effort::Effort;
use crate::process::Result;
use crate::tools::Verdict;

pub struct Tally {
    /// On a CI machine, which .ci/run has set up, a missing program is a failure and no excuse.
    ci: bool,
    pub effort: Effort,
    step: &'static str,
    sum: Counts,
}

impl Tally {
    pub fn new(ci: bool, effort: Effort) -> Self {
        Self { ci, effort, step: "", sum: Counts::default() }
    }

    pub fn start(&mut self, step: &'static str) {
        self.step = step;
    }

    /// One test of our own.
    pub fn check(&mut self, name: &str, check: impl FnOnce() -> Result<Verdict>) {
        println!("-- {name}");
        match check() {
            Ok(Verdict::Fine) => self.sum.passed += 1,
            Ok(Verdict::Missing(why)) => self.missing(name, &why),
            Ok(Verdict::Nothing(why)) => self.skip(name, &why),
            Err(what) => self.fail(name, &what),
        }
    }

    /// What a test runner counted, and whether it ended well. One that ended badly without naming a failure (it did not build, it crashed) is
    /// one failure.
    pub fn add(&mut self, name: &str, counts: Counts, ended: Result<()>) {
        let named_none = counts.failed == 0;
        self.sum.passed += counts.passed;
        self.sum.failed += counts.failed;
        self.sum.skipped += counts.skipped;
        let step = self.step;
        self.sum.failures.extend(counts.failures.into_iter().map(|f| format!("{step}: {f}")));
        self.sum.skips.extend(counts.skips.into_iter().map(|s| format!("{step}: {s}")));
        match ended {
            Err(what) if named_none => self.fail(name, &what),
            Ok(()) if counts.passed == 0 && named_none => self.fail(name, "it ran no test"),
            _ => {}
        }
    }

    pub fn fail(&mut self, name: &str, what: &str) {
        println!("FAILED {name}: {what}");
        self.sum.failed += 1;
        self.sum.failures.push(format!("{}: {name}: {what}", self.step));
    }

    /// Something that cannot be tested yet, on any machine.
    pub fn skip(&mut self, name: &str, why: &str) {
        println!("skipped {name}: {why}");
        self.sum.skipped += 1;
        self.sum.skips.push(format!("{}: {name}: {why}", self.step));
    }

    /// Something that this machine lacks.
    pub fn missing(&mut self, name: &str, why: &str) {
        if self.ci {
            self.fail(name, why);
        } else {
            self.skip(name, why);
        }
    }

    /// Lists what did not pass; the last line holds the numbers.
    pub fn close(self) -> Result<()> {
        println!();
        for skip in &self.sum.skips {
            println!("skipped: {skip}");
        }
        for failure in &self.sum.failures {
            println!("failed: {}", failure.trim_end().replace('\n', "\n    "));
        }
        println!("{} passed, {} failed, {} skipped", self.sum.passed, self.sum.failed, self.sum.skipped);
        if self.sum.failed == 0 && self.sum.passed > 0 {
            return Ok(());
        }
        // The numbers have said it; a message after them would be the last line.
        std::process::exit(1)
    }
}
