//! An answer as a tree that is opened only where the paths of a description lead; everything else stays raw text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::Shape;
use crate::json::Name;

/// Ending of the member that one gateway wraps its answers in.
pub(super) const WRAPPING: &str = "_response";

/// A value of the answer.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// Not opened.
    Raw(&'a RawValue),
    /// An array, its items not opened.
    Items(Vec<&'a RawValue>),
    /// An object.
    Members(Members<'a>),
    /// `null`.
    Null,
    /// A value of another type where a list or an object has its place.
    Scalar,
}

/// The members of an object; each appears once.
#[derive(Debug, Default)]
pub(super) struct Members<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

/// Which members are opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened<'s>(pub(super) &'s Shape);

impl<'a> Members<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, node)| node)
    }

    /// A member that was not opened.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        match self.get(name) {
            Some(Node::Raw(raw)) => Some(raw),
            _ => None,
        }
    }

    /// The node at the end of a path. An array on the way is the end: the path's rest names wrappings that it lacks.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node<'a>> {
        let (first, rest) = path.split_first()?;
        match self.get(first)? {
            Node::Members(members) if !rest.is_empty() => members.at(rest),
            node => Some(node),
        }
    }

    /// Whether the first member of a path is there.
    pub(super) fn begins(&self, path: &[&str]) -> bool {
        path.first().is_some_and(|first| self.get(first).is_some())
    }

    /// The object in the one member that wraps the whole answer.
    pub(super) fn into_wrapped(mut self) -> Result<(Cow<'a, str>, Self), Self> {
        let wrapped =
            self.0.iter().position(|(name, node)| name.ends_with(WRAPPING) && matches!(node, Node::Members(_)));
        let Some(position) = wrapped else { return Err(self) };
        match self.0.swap_remove(position) {
            (name, Node::Members(members)) => Ok((name, members)),
            _ => Err(self),
        }
    }

    /// The values in order, as of a list that PHP wrote as an object; `None` when one was opened.
    pub(super) fn values(&self) -> Option<Vec<&'a RawValue>> {
        let raw = |(_, node): &(_, Node<'a>)| if let Node::Raw(raw) = node { Some(*raw) } else { None };
        self.0.iter().map(raw).collect()
    }
}

impl Opened<'_> {
    fn opens(self, name: &str) -> bool {
        let Self(shape) = self;
        let lists = shape.records.iter().chain(shape.refused);
        let on_the_way = |path: &&[&str], ends: bool| {
            let length = if ends { path.len() } else { path.len().saturating_sub(1) };
            path.iter().take(length).any(|segment| *segment == name)
        };
        name.ends_with(WRAPPING)
            || lists.clone().any(|path| on_the_way(path, !shape.single))
            || on_the_way(&shape.total, false)
    }
}

impl<'de> DeserializeSeed<'de> for Opened<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Opened<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some(Name(name)) = map.next_key()? {
            let node = if self.opens(&name) { map.next_value_seed(self)? } else { Node::Raw(map.next_value()?) };
            if members.get(&name).is_some() {
                return Err(Error::custom(format_args!("member `{name}` appears twice")));
            }
            members.0.push((name, node));
        }
        Ok(Node::Members(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::Items(items))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Node::Scalar)
    }
}
