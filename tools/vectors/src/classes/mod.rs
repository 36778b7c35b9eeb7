//! The C# types that the lines name, from the `types.cs.txt` beside them.

mod members;
mod parser;
mod tokens;

use crate::csharp::Type;
use crate::value::Int;
use std::collections::HashMap;

pub use tokens::text as literal_text;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Class,
    Struct,
    Interface,
    Enum,
}

/// A class, a struct, an interface or an enum.
#[derive(Debug, Clone)]
pub struct Class {
    /// With the names of the types that it is nested in: `Outer.Inner`.
    pub name: String,
    pub namespace: String,
    pub sort: Sort,
    pub is_abstract: bool,
    /// The names of its type parameters.
    pub parameters: Vec<String>,
    pub attributes: Vec<Attribute>,
    pub bases: Vec<Type>,
    /// As declared: fields and properties.
    pub members: Vec<Member>,
    pub constructors: Vec<Constructor>,
    /// Of an enum.
    pub underlying: Option<Int>,
    pub constants: Vec<Constant>,
}

#[derive(Debug, Clone)]
pub struct Constant {
    pub name: String,
    pub number: i128,
    /// The name that `[EnumMember]` gives it.
    pub renamed: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Attribute {
    pub name: String,
    /// As written: literals keep their quotes.
    pub positional: Vec<String>,
    pub named: Vec<(String, String)>,
}

impl Attribute {
    pub fn named(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Public,
    Protected,
    Private,
}

#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub of: Type,
    pub visibility: Visibility,
    pub is_static: bool,
    pub is_readonly: bool,
    pub is_override: bool,
    pub attributes: Vec<Attribute>,
    /// What it is set to where nothing else is said.
    pub initial: Option<String>,
    /// `None`: it is a field.
    pub property: Option<Property>,
}

#[derive(Debug, Clone, Default)]
pub struct Property {
    pub getter: Option<Visibility>,
    pub setter: Option<Visibility>,
    /// Its value is computed by code.
    pub is_computed: bool,
}

#[derive(Debug, Clone)]
pub struct Constructor {
    pub visibility: Visibility,
    pub attributes: Vec<Attribute>,
    pub parameters: Vec<(String, Type)>,
}

pub fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name == name)
}

impl Class {
    pub fn has(&self, attribute: &str) -> bool {
        find(&self.attributes, attribute).is_some()
    }

    /// The collection that it derives from.
    pub fn collection(&self) -> Option<&Type> {
        let names = ["List", "Dictionary", "HashSet", "Collection", "SortedDictionary", "SortedSet", "Queue", "Stack"];
        self.bases.iter().find(|base| matches!(base, Type::Named(name, _) if names.contains(&name.as_str())))
    }

    pub fn is_value_type(&self) -> bool {
        matches!(self.sort, Sort::Struct | Sort::Enum)
    }
}

impl Member {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }
}

/// All of a file.
#[derive(Debug, Default)]
pub struct Classes {
    by_name: HashMap<(String, usize), Class>,
}

impl Classes {
    pub fn parse(source: &str) -> Result<Classes, String> {
        let mut classes = Classes::default();
        for class in parser::parse(tokens::of(source))? {
            classes.by_name.insert((class.name.clone(), class.parameters.len()), class);
        }
        Ok(classes)
    }

    pub fn find(&self, name: &str, arguments: usize) -> Option<&Class> {
        let short = name.strip_prefix("Golden.").unwrap_or(name).replace('+', ".");
        let found = self.by_name.get(&(short.clone(), arguments));
        // A namespace of any name may stand before.
        found.or_else(|| {
            let qualified = |class: &&Class| format!("{}.{}", class.namespace, class.name) == short;
            self.by_name.values().find(|class| class.parameters.len() == arguments && qualified(class))
        })
    }

    /// A type that stands in a class: one nested in it goes first.
    pub fn find_from(&self, within: &str, name: &str, arguments: usize) -> Option<&Class> {
        let mut outer = Some(within);
        while let Some(scope) = outer {
            let nested = format!("{scope}.{name}");
            // It may have the outer type's parameters without repeating them.
            let own = self.by_name.get(&(nested.clone(), arguments));
            if let Some(found) = own.or_else(|| self.by_name.values().find(|class| class.name == nested)) {
                return Some(found);
            }
            outer = scope.rsplit_once('.').map(|(outer, _)| outer);
        }
        self.find(name, arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_with_all_that_the_wire_depends_on() {
        let source = r#"
namespace N
{
    [Flags] public enum Perm { None = 0, Read = 1 << 1, [EnumMember(Value = "x")] Next }
    [MessagePackObject] public class A<T> : Base, IThing where T : class
    {
        public A(int a, string b = "q") : base(a) { A1 = a; }
        [Key(0), Other] public int A1 { get; private set; } = 10;
        [Key("two")] public readonly List<T> two = new List<T>(), three;
        public int Sum => A1 * 2;
        public static int S { get; set; }
        public int this[int i] { get { return i; } }
        public void M<U>(int x) where U : new() { if (x > 1) { } }
        public event Action E;
        internal class Inner { (int, long)[] pair; }
    }
    public record struct R(int X, [property: Key(1)] string Y) { public int Z { get; init; } }
}"#;
        let classes = Classes::parse(source).unwrap();
        let class = classes.find("A", 1).unwrap();
        assert_eq!(class.parameters, ["T"]);
        assert_eq!(class.namespace, "N");
        let names: Vec<String> = class.members.iter().map(|m| format!("{} {}", m.of, m.name)).collect();
        assert_eq!(names, ["int A1", "List<T> two", "List<T> three", "int Sum", "int S"]);
        assert_eq!(class.members[0].initial.as_deref(), Some("10"));
        assert_eq!(class.members[0].property.as_ref().unwrap().setter, Some(Visibility::Private));
        assert_eq!(class.members[1].attribute("Key").unwrap().positional, ["\"two\""]);
        assert!(class.members[3].property.as_ref().unwrap().is_computed);
        assert_eq!(class.constructors[0].parameters.len(), 2);
        assert_eq!(classes.find_from("A", "Inner", 0).unwrap().members[0].of.to_string(), "ValueTuple<int,long>[]");

        let perm = classes.find("Perm", 0).unwrap();
        let constants: Vec<_> =
            perm.constants.iter().map(|c| (c.name.as_str(), c.number, c.renamed.as_deref())).collect();
        assert_eq!(constants, [("None", 0, None), ("Read", 2, None), ("Next", 3, Some("x"))]);

        let record = classes.find("R", 0).unwrap();
        assert_eq!(record.sort, Sort::Struct);
        assert_eq!(record.members.len(), 3);
        assert_eq!(record.members[1].attribute("Key").unwrap().positional, ["1"]);
    }
}
