//! Reads the numbers of passed, failed and skipped tests from what the test runners print.

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Names of failed tests.
    pub failures: Vec<String>,
    /// Names of skipped tests, with the reason where the runner gives it.
    pub skips: Vec<String>,
}

impl Counts {
    /// The same, with the name of what was run before those of the tests: it is run in several ways.
    pub fn run_as(mut self, name: &str) -> Self {
        for test in self.failures.iter_mut().chain(&mut self.skips) {
            *test = format!("{name}: {test}");
        }
        self
    }
}

/// `cargo test`: a line for each test, and one `test result:` line for each test program.
pub fn of_cargo(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines() {
        if let Some(result) = line.strip_prefix("test result: ") {
            counts.passed += number_before(result, " passed");
            counts.failed += number_before(result, " failed");
            counts.skipped += number_before(result, " ignored");
        } else if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|l| l.rsplit_once(" ... ")) {
            if outcome == "FAILED" {
                counts.failures.push(name.to_owned());
            } else if let Some(reason) = outcome.strip_prefix("ignored") {
                counts.skips.push(with_reason(name, reason.trim_start_matches(", ")));
            }
        }
    }
    counts
}

/// `ctest`: `3/7 Test #3: name ....   Passed    0.01 sec`, or `***Failed`, `***Skipped`, `***Timeout` and so on in its place.
pub fn of_ctest(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines() {
        let Some((_, test)) = line.split_once(" Test ").filter(|(before, _)| is_fraction(before.trim())) else {
            continue;
        };
        let Some((_, test)) = test.split_once(": ") else {
            continue;
        };
        let Some((name, outcome)) = test.split_once(" .") else {
            continue;
        };
        let outcome = outcome.trim_start_matches('.').trim_start_matches(' ');
        if outcome.starts_with("Passed") {
            counts.passed += 1;
        } else if outcome.contains("***Skipped") || outcome.contains("***Not Run (Disabled)") {
            counts.skipped += 1;
            counts.skips.push(name.to_owned());
        } else {
            counts.failed += 1;
            counts.failures.push(format!("{name}: {}", outcome.trim_start_matches('*').trim_end()));
        }
    }
    counts
}

fn is_fraction(text: &str) -> bool {
    let is_number = |t: &str| !t.trim().is_empty() && t.trim().bytes().all(|b| b.is_ascii_digit());
    text.split_once('/').is_some_and(|(a, b)| is_number(a) && is_number(b))
}

/// `dotnet test` on Microsoft.Testing.Platform: `failed NAME (12ms)`, `skipped NAME` with the reason on the next line, and one summary.
pub fn of_dotnet(output: &str) -> Counts {
    let mut counts = Counts::default();
    let mut lines = output.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(test) = line.strip_prefix("failed ") {
            counts.failures.push(without_duration(test).to_owned());
        } else if let Some(test) = line.strip_prefix("skipped ") {
            let reason = lines.peek().map_or("", |next| next.trim());
            let reason = if reason.starts_with("from ") { "" } else { reason };
            counts.skips.push(with_reason(without_duration(test), reason));
        } else if let Some((word, number)) = line.trim().split_once(": ") {
            let Ok(number) = number.trim().parse() else { continue };
            match word {
                "succeeded" => counts.passed = number,
                "failed" => counts.failed = number,
                "skipped" => counts.skipped = number,
                _ => {}
            }
        }
    }
    counts
}

fn without_duration(test: &str) -> &str {
    match test.rsplit_once(" (") {
        Some((name, duration)) if duration.ends_with("s)") => name,
        _ => test,
    }
}

fn with_reason(name: &str, reason: &str) -> String {
    if reason.is_empty() {
        return name.to_owned();
    }
    format!("{name}: {reason}")
}

/// The number that stands before a word: 3 in `ok. 3 passed; 0 failed` for ` passed`.
fn number_before(text: &str, word: &str) -> usize {
    let before = text.split_once(word).map_or("", |(before, _)| before);
    before.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_results_are_summed_over_test_programs() {
        let output = "running 3 tests\ntest a ... ok\ntest b::c ... FAILED\ntest d ... ignored, takes an hour\n\
                      test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s\n\
                      test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let counts = of_cargo(output);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (13, 1, 1));
        assert_eq!(counts.failures, ["b::c"]);
        assert_eq!(counts.skips, ["d: takes an hour"]);
    }

    #[test]
    fn ctest_outcomes_are_told_apart() {
        let output = "    Start 1: submit\n1/4 Test #1: submit ...........................   Passed    0.01 sec\n\
                      2/4 Test #2: leaks ............................***Failed    0.02 sec\n\
                      3/4 Test #3: postgres .........................***Skipped   0.00 sec\n\
                      4/4 Test #4: crash ............................***Exception: SegFault  0.10 sec\n\
                      33% tests passed, 2 tests failed out of 4\n";
        let counts = of_ctest(output);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 2, 1));
        assert_eq!(counts.failures, ["leaks: Failed    0.02 sec", "crash: Exception: SegFault  0.10 sec"]);
        assert_eq!(counts.skips, ["postgres"]);
    }

    #[test]
    fn dotnet_summary_and_names_are_read() {
        let output = "Running tests from X.dll (net10.0|x64)\nskipped N.Others.A_skipped_one\n  no PostgreSQL here\n  from X.dll\n\
                      failed N.Others.A_failing_one (12ms)\n  from X.dll\n  Assert.Equal() Failure: Values differ\n  Expected: 1\n\
                      Test run summary: Failed!\n  total: 3\n  failed: 1\n  succeeded: 1\n  skipped: 1\n  duration: 601ms\n";
        let counts = of_dotnet(output);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 1, 1));
        assert_eq!(counts.failures, ["N.Others.A_failing_one"]);
        assert_eq!(counts.skips, ["N.Others.A_skipped_one: no PostgreSQL here"]);
    }
}
