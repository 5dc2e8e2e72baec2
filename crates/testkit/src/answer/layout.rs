//! A JSON text laid out for a reader. Keys keep the order in which they were sent.

use std::fmt::Write as _;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// What is longer than this is broken into one line per element.
const LINE: usize = 100;

/// The layout of `text`; `None` when it is no JSON object or array.
pub(super) fn of(text: &str) -> Option<String> {
    match serde_json::from_str(text).ok()? {
        Node::Leaf(_) => None,
        node => Some(node.laid_out(0)),
    }
}

enum Node {
    Leaf(Value),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    fn laid_out(&self, indent: usize) -> String {
        let line = self.on_one_line();
        if line.chars().count() + indent <= LINE {
            return line;
        }
        let inner = " ".repeat(indent + 2);
        let mut text = String::new();
        let (open, close) = match self {
            Self::Leaf(_) => return line,
            Self::Array(elements) => {
                for element in elements {
                    // Writing to a String does not fail.
                    let _ = write!(text, "\n{inner}{},", element.laid_out(indent + 2));
                }
                ('[', ']')
            }
            Self::Object(members) => {
                for (name, value) in members {
                    let _ = write!(
                        text,
                        "\n{inner}{}: {},",
                        Value::from(name.as_str()),
                        value.laid_out(indent + 2)
                    );
                }
                ('{', '}')
            }
        };
        text.pop();
        format!("{open}{text}\n{}{close}", " ".repeat(indent))
    }

    fn on_one_line(&self) -> String {
        match self {
            Self::Leaf(value) => value.to_string(),
            Self::Array(elements) => {
                let elements: Vec<_> = elements.iter().map(Self::on_one_line).collect();
                format!("[{}]", elements.join(", "))
            }
            Self::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), value.on_one_line()))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Node::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Node::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_fits_stays_on_a_line_and_keys_keep_their_order() {
        let short = r#"{"valid":true,"code":"valid","missing_scopes":[],"n":-1.5}"#;

        assert_eq!(
            of(short).unwrap(),
            r#"{"valid": true, "code": "valid", "missing_scopes": [], "n": -1.5}"#
        );
        assert_eq!(of("ok"), None);
        assert_eq!(of(""), None);
        assert_eq!(of("7"), None);
    }

    #[test]
    fn what_does_not_fit_is_broken_where_it_must_be() {
        let long = format!(
            r#"{{"z":"{}","a":{{"c":[1,2],"b":null}},"quoted\"":"{}"}}"#,
            "x".repeat(60),
            "y".repeat(30)
        );

        expect![[r#"
            {
              "z": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
              "a": {"c": [1, 2], "b": null},
              "quoted\"": "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
            }"#]]
        .assert_eq(&of(&long).unwrap());
    }
}
