//! Points and lengths of time, in .NET's ticks of 100 ns.

use super::{no_such, refuse, whole};
use crate::codec::{CodecError, Decode, Encode, Problem, Reader, Result, Writer};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const TICKS_OF_SECOND: i64 = 10_000_000;
const TICKS_OF_MINUTE: i64 = 60 * TICKS_OF_SECOND;
const TICKS_OF_DAY: i64 = 24 * 60 * TICKS_OF_MINUTE;

/// 1970-01-01 in ticks.
const UNIX: i64 = 621_355_968_000_000_000;

/// The last tick of 9999-12-31.
const MAX: i64 = 3_155_378_975_999_999_999;

const MAX_DAY: i32 = 3_652_058;

/// How far a clock may be from UTC.
const MAX_OFFSET: i64 = 14 * 60;

const DATE_TIME: &str = "a DateTime (the years 1 to 9999)";

/// What a [`DateTime`] knows of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum DateTimeKind {
    /// Nothing: it is whatever clock the sender meant. On the wire it is labelled UTC all the same.
    #[default]
    Unspecified,
    /// It is UTC.
    Utc,
    /// It is a moment, which .NET shows by the clock of the machine that it is on.
    Local,
}

/// `DateTime`, from the year 1 to 9999.
///
/// On the wire a timestamp (extension -1). It says nothing of the kind: what is read is [`DateTimeKind::Utc`], whatever was
/// written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DateTime {
    /// Ticks of 100 ns since 0001-01-01 00:00. Of a [`DateTimeKind::Local`] those of UTC, as it goes over the wire: a codec
    /// knows no time zones ([`DateTime::of_local_clock`]).
    pub ticks: i64,
    /// Whose clock it is.
    pub kind: DateTimeKind,
}

/// A `DateTime` as the native resolver and typeless payloads write it: the integer of `DateTime.ToBinary()`, which keeps the
/// kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NativeDateTime(
    /// The same value.
    pub DateTime,
);

impl DateTime {
    /// The largest number of ticks: the last of 9999-12-31.
    pub const MAX_TICKS: i64 = MAX;

    /// A moment, by UTC.
    #[must_use]
    pub const fn utc(ticks: i64) -> Self {
        Self { ticks, kind: DateTimeKind::Utc }
    }

    /// A moment by seconds since 1970 and nanoseconds, which are cut to 100. `None`: outside the years 1 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64, nanos: u32) -> Option<Self> {
        // The seconds alone have to be in range, as in .NET; more than a second of nanoseconds carries.
        if seconds < -UNIX / TICKS_OF_SECOND || seconds > (MAX - UNIX) / TICKS_OF_SECOND {
            return None;
        }
        let ticks = UNIX + seconds * TICKS_OF_SECOND + nanos as i64 / 100;
        if ticks > MAX {
            return None;
        }
        Some(Self::utc(ticks))
    }

    /// Seconds since 1970, and nanoseconds: of UTC, or of its own clock where it is [`DateTimeKind::Unspecified`].
    #[must_use]
    pub const fn to_unix(self) -> (i64, u32) {
        let since = self.ticks.saturating_sub(UNIX);
        (since.div_euclid(TICKS_OF_SECOND), since.rem_euclid(TICKS_OF_SECOND) as u32 * 100)
    }

    /// What a clock shows that is so many minutes ahead of UTC, as .NET's `ToUniversalTime` takes it: what would be outside the
    /// years 1 to 9999 is the first or the last tick of them.
    #[must_use]
    pub const fn of_local_clock(ticks: i64, offset_minutes: i16) -> Self {
        let ticks = ticks.saturating_sub(offset_minutes as i64 * TICKS_OF_MINUTE);
        let ticks = if ticks < 0 {
            0
        } else if ticks > MAX {
            MAX
        } else {
            ticks
        };
        Self { ticks, kind: DateTimeKind::Local }
    }

    fn checked(self, writer: &Writer) -> Result<Self> {
        check(self.ticks, MAX, DATE_TIME, writer)?;
        Ok(self)
    }
}

fn check(value: i64, max: i64, target: &'static str, writer: &Writer) -> Result<()> {
    match (0..=max).contains(&value) {
        true => Ok(()),
        false => Err(writer.error(Problem::OutOfRange { value: value.into(), target })),
    }
}

impl Encode for DateTime {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        let (seconds, nanos) = self.checked(writer)?.to_unix();
        writer.timestamp(seconds, nanos)
    }
}

impl Decode<'_> for DateTime {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        let (seconds, nanos) = reader.timestamp()?;
        match Self::from_unix(seconds, nanos) {
            Some(time) => Ok(time),
            None => refuse(reader, begun, Problem::OutOfRange { value: seconds.into(), target: DATE_TIME }),
        }
    }
}

const KIND_UTC: u64 = 1 << 62;
const KIND_LOCAL: u64 = 1 << 63;
const TICKS: u64 = KIND_UTC - 1;

impl Encode for NativeDateTime {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        let DateTime { ticks, kind } = self.0.checked(writer)?;
        let flags = match kind {
            DateTimeKind::Unspecified => 0,
            DateTimeKind::Utc => KIND_UTC,
            DateTimeKind::Local => KIND_LOCAL,
        };
        writer.int((ticks as u64 | flags) as i64)
    }
}

/// A local time of a place whose clock is ahead of UTC may lie before the year 1 by UTC: .NET has a form for that, which is
/// read as the first tick.
impl Decode<'_> for NativeDateTime {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        let bits = reader.int()? as u64;
        let ticks = (bits & TICKS) as i64;
        let (kind, ticks) = match (bits & KIND_LOCAL, bits & KIND_UTC) {
            (0, 0) => (DateTimeKind::Unspecified, ticks),
            (0, _) => (DateTimeKind::Utc, ticks),
            _ if ticks > KIND_UTC as i64 - TICKS_OF_DAY => (DateTimeKind::Local, 0),
            _ => (DateTimeKind::Local, ticks),
        };
        if ticks > MAX {
            return refuse(reader, begun, Problem::OutOfRange { value: ticks.into(), target: DATE_TIME });
        }
        Ok(Self(DateTime { ticks, kind }))
    }
}

/// As .NET's format "o": seven decimals, and a Z unless the kind is [`DateTimeKind::Unspecified`].
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_clock(self.ticks, f)?;
        match self.kind {
            DateTimeKind::Unspecified => Ok(()),
            DateTimeKind::Utc | DateTimeKind::Local => f.write_str("Z"),
        }
    }
}

fn show_clock(ticks: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (day, of_day) = (ticks.div_euclid(TICKS_OF_DAY), ticks.rem_euclid(TICKS_OF_DAY));
    show_day(day, f)?;
    f.write_str("T")?;
    show_time(of_day, f)
}

fn show_day(day: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (year, month, day) = date(day);
    write!(f, "{year:04}-{month:02}-{day:02}")
}

fn show_time(ticks: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let seconds = ticks / TICKS_OF_SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    write!(f, "{hour:02}:{minute:02}:{second:02}.{:07}", ticks % TICKS_OF_SECOND)
}

/// Year, month and day of a day since 0001-01-01, by a calendar that begins in March: its leap day is its last.
fn date(day: i64) -> (i64, i64, i64) {
    /// From 0000-03-01.
    const SHIFT: i64 = 306;
    const ERA: i64 = 146_097;
    let day = day.saturating_add(SHIFT);
    let (era, of_era) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + later, month, day)
}

/// A time outside of what .NET has is refused.
impl TryFrom<SystemTime> for DateTime {
    type Error = CodecError;

    fn try_from(time: SystemTime) -> Result<Self> {
        let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => (i64::try_from(since.as_secs()).ok(), since.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).ok();
                match before.subsec_nanos() {
                    0 => (seconds.map(|seconds| -seconds), 0),
                    nanos => (seconds.map(|seconds| -seconds - 1), 1_000_000_000 - nanos),
                }
            }
        };
        seconds
            .and_then(|seconds| Self::from_unix(seconds, nanos))
            .ok_or_else(|| no_such("DateTime", "the time is outside the years 1 to 9999"))
    }
}

/// An [`DateTimeKind::Unspecified`] time is taken for UTC. A time that the system cannot hold is refused.
impl TryFrom<DateTime> for SystemTime {
    type Error = CodecError;

    fn try_from(time: DateTime) -> Result<Self> {
        let (seconds, nanos) = time.to_unix();
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let second = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
        second
            .and_then(|second| second.checked_add(Duration::from_nanos(nanos.into())))
            .ok_or_else(|| no_such("time of this system", "it is outside of what the system can hold"))
    }
}

/// `DateTimeOffset`. On the wire an array of two: a timestamp that carries what the clock shows, not the moment, and the
/// minutes by which that clock is ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DateTimeOffset {
    /// What the clock shows, in ticks since 0001-01-01 00:00.
    pub local_ticks: i64,
    /// By how much it is ahead of UTC: at most 14 hours in either direction.
    pub offset_minutes: i16,
}

impl DateTimeOffset {
    /// The moment.
    #[must_use]
    pub const fn to_utc(self) -> DateTime {
        DateTime::utc(self.local_ticks.saturating_sub(self.offset_minutes as i64 * TICKS_OF_MINUTE))
    }

    /// A moment, as a clock shows it that is so many minutes ahead of UTC.
    #[must_use]
    pub const fn from_utc(moment: DateTime, offset_minutes: i16) -> Self {
        let local_ticks = moment.ticks.saturating_add(offset_minutes as i64 * TICKS_OF_MINUTE);
        Self { local_ticks, offset_minutes }
    }

    /// .NET has neither of both outside of its years, nor a clock that is further from UTC.
    pub(in crate::codec) fn problem(self) -> Option<Problem> {
        let offset = i64::from(self.offset_minutes);
        if !(-MAX_OFFSET..=MAX_OFFSET).contains(&offset) {
            return Some(Problem::OutOfRange { value: offset.into(), target: "an offset (at most 840 minutes)" });
        }
        [self.local_ticks, self.to_utc().ticks]
            .into_iter()
            .find(|ticks| !(0..=MAX).contains(ticks))
            .map(|ticks| Problem::OutOfRange { value: ticks.into(), target: DATE_TIME })
    }
}

impl Encode for DateTimeOffset {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        if let Some(problem) = self.problem() {
            return Err(writer.error(problem));
        }
        whole(writer, |writer| {
            writer.array_header(2)?;
            DateTime::utc(self.local_ticks).encode(writer)?;
            writer.int(self.offset_minutes.into())
        })
    }
}

impl Decode<'_> for DateTimeOffset {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        let found = reader.array_header()?;
        if found != 2 {
            return refuse(reader, begun, Problem::WrongLength { target: "a DateTimeOffset", expected: 2, found });
        }
        let local_ticks = DateTime::decode(reader)?.ticks;
        let value = Self { local_ticks, offset_minutes: i16::decode(reader)? };
        match value.problem() {
            Some(problem) => refuse(reader, begun, problem),
            None => Ok(value),
        }
    }
}

/// As .NET's format "o".
impl fmt::Display for DateTimeOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_clock(self.local_ticks, f)?;
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let offset = self.offset_minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", offset / 60, offset % 60)
    }
}

/// `TimeSpan`, in ticks of 100 ns. On the wire they are an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeSpan(
    /// Its ticks.
    pub i64,
);

impl Encode for TimeSpan {
    #[inline]
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.int(self.0)
    }
}

impl Decode<'_> for TimeSpan {
    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        reader.integer_as("a TimeSpan (64 bits with a sign)").map(Self)
    }
}

/// Cut to 100 ns. What .NET cannot hold, about 29,000 years, is refused.
impl TryFrom<Duration> for TimeSpan {
    type Error = CodecError;

    fn try_from(length: Duration) -> Result<Self> {
        match i64::try_from(length.as_nanos() / 100) {
            Ok(ticks) => Ok(Self(ticks)),
            Err(_) => Err(no_such("TimeSpan", "it is longer than 64 bits of ticks hold")),
        }
    }
}

/// A length below zero is refused.
impl TryFrom<TimeSpan> for Duration {
    type Error = CodecError;

    fn try_from(length: TimeSpan) -> Result<Self> {
        match u64::try_from(length.0) {
            Ok(ticks) => Ok(Duration::new(ticks / 10_000_000, (ticks % 10_000_000) as u32 * 100)),
            Err(_) => Err(no_such("duration", "it is less than zero")),
        }
    }
}

/// `DateOnly`, as a day since 0001-01-01. On the wire it is that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DateOnly(
    /// Day 0 is 0001-01-01, the last is 3,652,058.
    pub i32,
);

const DATE_ONLY: &str = "a DateOnly (days 0 to 3652058)";

impl Encode for DateOnly {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        check(self.0.into(), MAX_DAY.into(), DATE_ONLY, writer)?;
        writer.int(self.0.into())
    }
}

impl Decode<'_> for DateOnly {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        match reader.integer_as(DATE_ONLY)? {
            day @ 0..=MAX_DAY => Ok(Self(day)),
            day => refuse(reader, begun, Problem::OutOfRange { value: day.into(), target: DATE_ONLY }),
        }
    }
}

/// 2024-01-02.
impl fmt::Display for DateOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_day(self.0.into(), f)
    }
}

/// `TimeOnly`, in ticks of 100 ns since midnight. On the wire they are an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeOnly(
    /// Its ticks: fewer than a day has.
    pub i64,
);

const TIME_ONLY: &str = "a TimeOnly (less than a day of ticks)";

impl Encode for TimeOnly {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        check(self.0, TICKS_OF_DAY - 1, TIME_ONLY, writer)?;
        writer.int(self.0)
    }
}

impl Decode<'_> for TimeOnly {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        match reader.integer_as(TIME_ONLY)? {
            ticks @ 0..TICKS_OF_DAY => Ok(Self(ticks)),
            ticks => refuse(reader, begun, Problem::OutOfRange { value: ticks.into(), target: TIME_ONLY }),
        }
    }
}

/// 03:04:05.6789012.
impl fmt::Display for TimeOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_time(self.0, f)
    }
}
