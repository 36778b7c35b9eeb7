//! What commands that go on for as long as is wanted are told: numbers by name, and names.

use crate::process::Result;
use std::time::{SystemTime, UNIX_EPOCH};

/// Takes the numbers that are named; each is a whole one from 1 on. What is left.
pub fn numbers(arguments: &[String], named: &mut [(&str, &mut u64)]) -> Result<Vec<String>> {
    let mut others = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let Some((_, place)) = named.iter_mut().find(|(name, _)| name == argument) else {
            others.push(argument.clone());
            continue;
        };
        let number = rest.next().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
        **place = number.ok_or_else(|| format!("{argument} is followed by a whole number from 1 on"))?;
    }
    Ok(others)
}

/// Another one each time, where nobody says which.
pub fn new_seed() -> Result<u64> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?;
    Ok(since_1970.as_secs())
}
