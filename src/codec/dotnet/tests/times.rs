//! DateTime and what else is a point or a length of time.

use super::*;
use crate::codec::dotnet::*;
use crate::codec::{Problem, Writer};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Ticks of 2024-01-02T03:04:05.6789012.
const TICKS: i64 = 638_397_614_456_789_012;

#[test]
fn a_date_time_is_a_timestamp_whatever_its_kind_and_comes_back_as_utc() {
    let due = [
        (621_355_968_000_000_000, "d6ff00000000", "1970-01-01T00:00:00.0000000Z"),
        (634_267_694_970_000_000, "d6ff4cf5bb59", "2010-12-01T03:04:57.0000000Z"),
        (TICKS, "d7ffa1dcd74065937d25", "2024-01-02T03:04:05.6789012Z"),
        (621_355_968_000_000_001, "d7ff0000019000000000", "1970-01-01T00:00:00.0000001Z"),
        (621_355_967_999_999_999, "c70cff3b9ac99cffffffffffffffff", "1969-12-31T23:59:59.9999999Z"),
        (664_305_640_950_000_000, "d6ffffffffff", "2106-02-07T06:28:15.0000000Z"),
        (664_305_640_960_000_000, "d7ff0000000100000000", "2106-02-07T06:28:16.0000000Z"),
        (793_154_659_839_999_999, "d7ffee6b2673ffffffff", "2514-05-30T01:53:03.9999999Z"),
        (793_154_659_840_000_000, "c70cff000000000000000400000000", "2514-05-30T01:53:04.0000000Z"),
        (0, "c70cff00000000fffffff1886e0900", "0001-01-01T00:00:00.0000000Z"),
        (DateTime::MAX_TICKS, "c70cff3b9ac99c0000003afff4417f", "9999-12-31T23:59:59.9999999Z"),
    ];
    for (ticks, bytes, shown) in due {
        both_ways(DateTime::utc(ticks), bytes);
        assert_eq!(DateTime::utc(ticks).to_string(), shown);
        for kind in [DateTimeKind::Unspecified, DateTimeKind::Local] {
            assert_eq!(hex(&encode(&DateTime { ticks, kind }).unwrap()), bytes);
        }
    }
    assert_eq!(DateTime { ticks: TICKS, kind: DateTimeKind::Unspecified }.to_string(), "2024-01-02T03:04:05.6789012");
}

#[test]
fn a_local_time_is_written_as_the_moment_that_it_is() {
    // Where the clock is nine hours ahead.
    let local = DateTime::of_local_clock(621_355_968_000_000_000, 9 * 60);
    assert_eq!(hex(&encode(&local).unwrap()), "c70cff00000000ffffffffffff8170");
    assert_eq!(hex(&encode(&DateTime::of_local_clock(TICKS, 540)).unwrap()), "d7ffa1dcd7406592fe95");
    // .NET does not go past its first and its last tick.
    assert_eq!(DateTime::of_local_clock(0, 540).ticks, 0);
    assert_eq!(DateTime::of_local_clock(DateTime::MAX_TICKS, -300).ticks, DateTime::MAX_TICKS);
}

#[test]
fn a_timestamp_of_any_form_is_a_date_time() {
    let second = DateTime::utc(621_355_968_010_000_000);
    for form in [
        "d6ff00000001",
        "d7ff0000000000000001",
        "c70cff000000000000000000000001",
        "c704ff00000001",
        "c708ff0000000000000001",
        "c80004ff00000001",
        "c90000000cff000000000000000000000001",
    ] {
        reads(form, second);
    }
    // Nanoseconds of more than a second carry, and what is below 100 is cut.
    reads("c70cff3b9aca630000000000000000", DateTime::utc(621_355_968_010_000_000));
    reads("d7fffffffffc00000000", DateTime::utc(621_355_968_010_737_418));
}

#[test]
fn what_is_no_time_of_dotnet_is_refused() {
    assert!(matches!(refused::<DateTime>("c705ff0000000001").problem, Problem::WrongLength { found: 5, .. }));
    assert!(matches!(refused::<DateTime>("d60000000001").problem, Problem::WrongExt { code: 0, .. }));
    for other in ["05", "c0", "cf489f7ff5f7b58000", "b4323032342d30312d30325430333a30343a30355a"] {
        assert!(matches!(refused::<DateTime>(other).problem, Problem::Unexpected { .. }), "{other}");
    }
    // A second before the year 1, though its nanoseconds would lead into it; the year 10000 by a carry.
    for outside in
        ["c70cff3b9aca00fffffff1886e08ff", "c70cff3b9aca000000003afff4417f", "c70cff000000007fffffffffffffff"]
    {
        assert!(matches!(refused::<DateTime>(outside).problem, Problem::OutOfRange { .. }), "{outside}");
    }
    for ticks in [-1, DateTime::MAX_TICKS + 1, i64::MAX, i64::MIN] {
        let error = encode(&DateTime::utc(ticks)).unwrap_err();
        assert!(matches!(error.problem, Problem::OutOfRange { .. }), "{error}");
        let error = encode(&NativeDateTime(DateTime::utc(ticks))).unwrap_err();
        assert!(matches!(error.problem, Problem::OutOfRange { .. }), "{error}");
    }
}

#[test]
fn a_native_date_time_keeps_its_kind() {
    let of = |ticks, kind| NativeDateTime(DateTime { ticks, kind });
    both_ways(of(621_355_968_000_000_000, DateTimeKind::Utc), "cf489f7ff5f7b58000");
    both_ways(of(621_355_968_000_000_000, DateTimeKind::Unspecified), "cf089f7ff5f7b58000");
    both_ways(NativeDateTime(DateTime::of_local_clock(621_355_968_000_000_000, 540)), "d3889f7faa87cdd800");
    both_ways(NativeDateTime::default(), "00");
    both_ways(of(DateTime::MAX_TICKS, DateTimeKind::Local), "d3abca2875f4373fff");
    // The other bit of a local time, which .NET sets where a clock is put back.
    reads("d3c89f7faa87cdd800", NativeDateTime(DateTime::of_local_clock(621_355_968_000_000_000, 540)));
    // An hour before the year 1 by UTC.
    reads("d3bffffff79c842800", of(0, DateTimeKind::Local));
    for outside in ["cf2bca2875f4374000", "d3bfffff36d5964000", "cf7fffffffffffffff"] {
        assert!(matches!(refused::<NativeDateTime>(outside).problem, Problem::OutOfRange { .. }), "{outside}");
    }
    assert!(matches!(refused::<NativeDateTime>("d6ff00000001").problem, Problem::Unexpected { .. }));
}

#[test]
fn an_offset_travels_with_what_its_clock_shows() {
    let of = |offset_minutes| DateTimeOffset { local_ticks: 638_397_614_450_000_000, offset_minutes };
    let due = [
        (0, "00"),
        (540, "cd021c"),
        (-300, "d1fed4"),
        (345, "cd0159"),
        (840, "cd0348"),
        (-840, "d1fcb8"),
        (127, "7f"),
        (128, "cc80"),
        (-32, "e0"),
        (-33, "d0df"),
        (-129, "d1ff7f"),
    ];
    for (offset, tail) in due {
        both_ways(of(offset), &format!("92d6ff65937d25{tail}"));
    }
    assert_eq!(of(540).to_utc().to_string(), "2024-01-01T18:04:05.0000000Z");
    assert_eq!(DateTimeOffset::from_utc(of(-300).to_utc(), -300), of(-300));
    assert_eq!(of(-210).to_string(), "2024-01-02T03:04:05.0000000-03:30");
    both_ways(DateTimeOffset::default(), "92c70cff00000000fffffff1886e090000");
}

#[test]
fn an_offset_that_dotnet_has_not_is_refused() {
    assert!(matches!(refused::<DateTimeOffset>("91d6ff65937d25").problem, Problem::WrongLength { found: 1, .. }));
    assert!(matches!(refused::<DateTimeOffset>("93d6ff65937d25cd021cc0").problem, Problem::WrongLength { .. }));
    for other in ["d6ff65937d25", "c0", "92c000"] {
        assert!(matches!(refused::<DateTimeOffset>(other).problem, Problem::Unexpected { .. }), "{other}");
    }
    // Fifteen hours; and the year 0 by UTC.
    for outside in ["92d6ff65937d25cd0384", "92d6ff65937d25ce00010000", "92c70cff00000000fffffff1886e090001"] {
        assert!(matches!(refused::<DateTimeOffset>(outside).problem, Problem::OutOfRange { .. }), "{outside}");
    }
    let never = DateTimeOffset { local_ticks: 0, offset_minutes: 1 };
    assert!(matches!(encode(&never).unwrap_err().problem, Problem::OutOfRange { .. }));
    // Nothing is left of one that has no form.
    let mut writer = Writer::with_settings(Settings { old_spec: true, ..Settings::default() });
    let error = DateTimeOffset::from_utc(DateTime::utc(TICKS), 0).encode(&mut writer).unwrap_err();
    assert!(matches!(error.problem, Problem::NotSupported(_)));
    assert_eq!(writer.bytes(), []);
}

#[test]
fn lengths_days_and_times_of_day_are_integers() {
    both_ways(TimeSpan(0), "00");
    both_ways(TimeSpan(10_000_000), "ce00989680");
    both_ways(TimeSpan(-10_000_000), "d2ff676980");
    both_ways(TimeSpan(864_000_000_000), "cf000000c92a69c000");
    both_ways(TimeSpan(i64::MIN), "d38000000000000000");
    both_ways(TimeSpan(i64::MAX), "cf7fffffffffffffff");
    reads("d30000000000000005", TimeSpan(5));
    both_ways(DateOnly(0), "00");
    both_ways(DateOnly(738_886), "ce000b4646");
    both_ways(DateOnly(3_652_058), "ce0037b9da");
    both_ways(TimeOnly(110_450_000_000), "cf00000019b7554080");
    both_ways(TimeOnly(863_999_999_999), "cf000000c92a69bfff");
    assert_eq!(DateOnly(738_886).to_string(), "2024-01-02");
    assert_eq!(DateOnly(3_652_058).to_string(), "9999-12-31");
    assert_eq!(TimeOnly(110_456_789_012).to_string(), "03:04:05.6789012");
    assert!(matches!(refused::<TimeSpan>("cfffffffffffffffff").problem, Problem::OutOfRange { .. }));
    assert!(matches!(refused::<TimeSpan>("cb4014000000000000").problem, Problem::Unexpected { .. }));
    for outside in ["ff", "ce0037b9db", "cf7fffffffffffffff"] {
        assert!(matches!(refused::<DateOnly>(outside).problem, Problem::OutOfRange { .. }), "{outside}");
    }
    for outside in ["ff", "cf000000c92a69c000"] {
        assert!(matches!(refused::<TimeOnly>(outside).problem, Problem::OutOfRange { .. }), "{outside}");
    }
    assert!(encode(&DateOnly(-1)).is_err() && encode(&DateOnly(3_652_059)).is_err());
    assert!(encode(&TimeOnly(-1)).is_err() && encode(&TimeOnly(864_000_000_000)).is_err());
}

#[test]
fn times_of_the_system_become_those_of_dotnet_and_back() {
    for (seconds, nanos) in [(0, 0), (1_704_164_645, 678_901_200), (-1, 999_999_900), (-62_135_596_800, 0)] {
        let time = DateTime::from_unix(seconds, nanos).unwrap();
        let system = SystemTime::try_from(time).unwrap();
        assert_eq!(DateTime::try_from(system).unwrap(), time);
        assert_eq!(time.to_unix(), (seconds, nanos));
    }
    assert!(DateTime::try_from(UNIX_EPOCH + Duration::from_secs(300_000_000_000)).is_err());
    assert_eq!(TimeSpan::try_from(Duration::from_nanos(1_550)).unwrap(), TimeSpan(15));
    assert_eq!(Duration::try_from(TimeSpan(15)).unwrap(), Duration::from_nanos(1_500));
    assert!(Duration::try_from(TimeSpan(-1)).is_err());
    assert!(TimeSpan::try_from(Duration::MAX).is_err());
}

proptest! {
    #[test]
    fn every_time_comes_back(
        ticks in 0..=DateTime::MAX_TICKS,
        offset in -840..=840_i16,
        span: i64,
        day in 0..=3_652_058,
        time in 0..864_000_000_000_i64,
    ) {
        comes_back(&DateTime::utc(ticks))?;
        for kind in [DateTimeKind::Unspecified, DateTimeKind::Utc, DateTimeKind::Local] {
            comes_back(&NativeDateTime(DateTime { ticks, kind }))?;
        }
        let clock = DateTimeOffset::from_utc(DateTime::utc(ticks), offset);
        if (0..=DateTime::MAX_TICKS).contains(&clock.local_ticks) {
            comes_back(&clock)?;
            prop_assert_eq!(clock.to_utc(), DateTime::utc(ticks));
        }
        comes_back(&TimeSpan(span))?;
        comes_back(&DateOnly(day))?;
        comes_back(&TimeOnly(time))?;
    }
}
