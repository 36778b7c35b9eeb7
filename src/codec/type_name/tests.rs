use super::*;
use proptest::prelude::*;

const CORE: &str = "System.Private.CoreLib, Version=10.0.0.0, Culture=neutral, PublicKeyToken=7cec85d7bea7798e";
const OURS: &str = "Backrun.Golden, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null";

#[test]
fn a_name_is_taken_apart_and_shown_as_it_was() {
    let text = format!(
        "Golden.Gen`1+Deep`1[[System.String, {CORE}],[System.Collections.Generic.List`1[[Golden.Person, {OURS}]][][,], {CORE}]][*][], {OURS}"
    );
    let name = TypeName::parse(&text).unwrap();
    assert_eq!(name.to_string(), text);
    assert_eq!(name.name(), "Golden.Gen`1+Deep`1");
    assert_eq!(name.arrays(), [Array::Of(1), Array::List]);
    assert_eq!(name.assembly(), Some(OURS));
    assert_eq!(name.assembly_name(), Some("Backrun.Golden"));
    assert_eq!(name.assembly_part("Version"), Some("1.0.0.0"));
    assert_eq!(name.assembly_part("PublicKeyToken"), Some("null"));
    assert_eq!(name.assembly_part("ProcessorArchitecture"), None);
    let [string, list] = name.arguments() else { panic!("two arguments") };
    assert!(string.is("System.String") && !list.is("System.Collections.Generic.List`1"));
    assert_eq!(list.arrays(), [Array::List, Array::Of(2)]);
    assert_eq!(list.arguments()[0].assembly_name(), Some("Backrun.Golden"));
    assert_eq!(
        name.short().to_string(),
        "Golden.Gen`1+Deep`1[[System.String, System.Private.CoreLib],\
         [System.Collections.Generic.List`1[[Golden.Person, Backrun.Golden]][][,], System.Private.CoreLib]][*][], Backrun.Golden"
    );
}

#[test]
fn what_is_missing_may_be_missing_and_blanks_go() {
    for (text, shown) in [
        ("System.Guid", "System.Guid"),
        (" System.Guid,mscorlib", "System.Guid, mscorlib"),
        ("L`1[System.String]", "L`1[System.String]"),
        ("L`1[[System.String]]", "L`1[System.String]"),
        ("D`2[A,[B, C]]", "D`2[A,[B, C]]"),
        ("D`2[ [A, C] , B ]", "D`2[[A, C],B ]"),
        ("A[ , , ]", "A[,,]"),
        (r"A\,B\[\]\+C\\, D\, E, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null", ""),
    ] {
        let name = TypeName::parse(text).unwrap();
        assert_eq!(name.to_string(), if shown.is_empty() { text } else { shown });
    }
    let name = TypeName::parse(r"A\,B, D\, E, Version=1.2.3.4").unwrap();
    assert_eq!((name.name(), name.assembly_name()), (r"A\,B", Some(r"D\, E")));
    assert_eq!(name.assembly_part("Version"), Some("1.2.3.4"));
}

#[test]
fn only_what_dotnet_writes_behind_an_assembly_is_left_out() {
    for (assembly, short) in [
        ("X, Version=1.2.3.4, Culture=neutral, PublicKeyToken=null", "X"),
        ("X, Version=1.2.3.4, Culture=de-CH, PublicKeyToken=0123456789abcdef, Retargetable=Yes", "X, Retargetable=Yes"),
        ("X, Version=1.2.3, Culture=neutral, PublicKeyToken=null", ""),
        ("X, Version=1.2.3.4, Culture=neutral", ""),
        ("X, Version=1.2.3.4, Culture=, PublicKeyToken=null", ""),
        ("X, Version=1.2.3.4, Culture=neutral, PublicKeyToken=0123456789ABCDEF", ""),
        ("X, Version=1.2.3.4, Culture=neutral, PublicKeyToken=01234567é9abcde", ""),
        ("X,Version=1.2.3.4, Culture=neutral, PublicKeyToken=null", ""),
        ("X, Culture=neutral, Version=1.2.3.4, PublicKeyToken=null", ""),
        ("X", ""),
    ] {
        let text = format!("T, {assembly}");
        let short = if short.is_empty() { assembly } else { short };
        assert_eq!(TypeName::parse(&text).unwrap().short().to_string(), format!("T, {short}"));
    }
}

#[test]
fn what_is_no_name_of_a_value_is_refused_with_its_place() {
    for (text, at) in [
        ("", 0),
        ("  ", 2),
        (", X", 0),
        ("A*", 1),
        ("A[]&, X", 3),
        ("A[", 2),
        ("A[,", 3),
        ("A[*", 3),
        ("A[*,*]", 3),
        ("A[[B", 4),
        ("A[[B]", 5),
        ("A[B", 3),
        ("A[B,]", 4),
        ("A[[B, ]]", 6),
        ("A[][B]", 4),
        ("A[B][C]", 5),
        ("A]", 1),
        ("A,", 2),
        ("A, ", 3),
        (r"A\B", 2),
        (r"A\", 2),
        ("A[B*]", 3),
    ] {
        let error = TypeName::parse(text).unwrap_err();
        assert_eq!(error.offset, at, "{text}: {error}");
        assert!(matches!(error.problem, Problem::Malformed { target: "type name", .. }), "{text}: {error}");
    }
}

#[test]
fn depth_and_length_have_limits() {
    let deep = |depth: usize| "A[".repeat(depth) + "B" + &"]".repeat(depth);
    assert_eq!(TypeName::parse(&deep(64)).unwrap().to_string(), deep(64));
    assert_eq!(TypeName::parse(&deep(65)).unwrap_err().problem, Problem::TooDeep { limit: 64 });
    assert_eq!(TypeName::parse(&deep(20_000)).unwrap_err().problem, Problem::TooDeep { limit: 64 });
    assert!(TypeName::parse(&"A".repeat(64 << 10)).is_ok());
    assert!(matches!(TypeName::parse(&"A".repeat((64 << 10) + 1)).unwrap_err().problem, Problem::TooLong { .. }));
}

/// Names as .NET makes them.
fn name() -> impl Strategy<Value = String> {
    let plain = "[A-Z][a-z0-9_é]{0,6}(\\.[A-Z][a-z]{0,6}){0,2}(\\+[A-Z][a-z]{0,3})?";
    let arrays = prop::collection::vec(prop::sample::select(vec!["[]", "[,]", "[,,]", "[*]"]), 0..3);
    let assembly = prop_oneof![
        Just(String::new()),
        Just(format!(", {CORE}")),
        Just(format!(", {OURS}")),
        "[A-Z][a-z.]{0,8}".prop_map(|name| format!(", {name}")),
    ];
    let leaf = (plain, arrays.clone(), assembly.clone())
        .prop_map(|(name, arrays, assembly)| name + &arrays.concat() + &assembly);
    leaf.prop_recursive(4, 30, 3, move |inner| {
        (plain, prop::collection::vec(inner, 1..4), arrays.clone(), assembly.clone()).prop_map(
            |(name, arguments, arrays, assembly)| {
                let shown: Vec<_> = arguments
                    .iter()
                    .map(|text| match TypeName::parse(text).unwrap().assembly() {
                        Some(_) => format!("[{text}]"),
                        None => text.clone(),
                    })
                    .collect();
                format!("{name}`{}[{}]{}{assembly}", shown.len(), shown.join(","), arrays.concat())
            },
        )
    })
}

proptest! {
    #[test]
    fn every_name_comes_back_and_its_short_form_is_the_one_of_the_librarys_pattern(name in name()) {
        let parsed = TypeName::parse(&name).unwrap();
        prop_assert_eq!(parsed.to_string(), &name[..]);
        // What that library replaces, by a pattern over the whole text.
        let mut replaced = name.clone();
        for assembly in [CORE, OURS] {
            let (_, rest) = assembly.split_once(',').unwrap();
            replaced = replaced.replace(&format!(",{rest}"), "");
        }
        let short = parsed.short().to_string();
        prop_assert_eq!(&short, &replaced);
        let again = TypeName::parse(&short).unwrap().to_string();
        prop_assert_eq!(again, short);
    }

    #[test]
    fn no_text_makes_it_panic_and_what_it_shows_is_the_same_type(text in "[A\\[\\],+*&\\\\ `1é]{0,30}|.{0,40}") {
        if let Ok(name) = TypeName::parse(&text) {
            let shown = name.to_string();
            prop_assert_eq!(TypeName::parse(&shown).unwrap(), name);
        }
    }
}
