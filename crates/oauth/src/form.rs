//! Forms and query strings, read strictly: a parameter that is there twice is nobody's parameter.
//!
//! Spec: RFC 6749 §3.1, §3.2 ("parameters MUST NOT be included more than once") and appendix B.

use percent_encoding::percent_decode;

const MOST_FIELDS: usize = 64;

/// The parameters of an `application/x-www-form-urlencoded` body or a query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

/// Why a form is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The parameter is there more than once.
    #[error("parameter `{0}` is there more than once; send it once")]
    Repeated(String),
    /// More parameters than any form of ours has.
    #[error("there are more than {MOST_FIELDS} parameters")]
    TooMany,
    /// The text behind the percent-encoding is not UTF-8.
    #[error("a parameter is not UTF-8")]
    NotUtf8,
    /// A parameter that is needed is absent or empty.
    #[error("parameter `{0}` is missing")]
    Missing(String),
}

impl Form {
    /// Reads a form in which nothing may be there twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        Self::parse_allowing(bytes, &[])
    }

    /// Reads a form in which only the parameters named in `repeatable` may be there more than once.
    pub fn parse_allowing(bytes: &[u8], repeatable: &[&str]) -> Result<Self, FormError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if fields.len() == MOST_FIELDS {
                return Err(FormError::TooMany);
            }
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = decode(&pair[..at])?;
            let value = decode(pair.get(at + 1..).unwrap_or_default())?;
            if !repeatable.contains(&name.as_str()) && fields.iter().any(|(seen, _)| *seen == name) {
                return Err(FormError::Repeated(name.chars().filter(|c| !c.is_control()).take(40).collect()));
            }
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    /// The value of a parameter; `None` when it is absent or empty.
    ///
    /// Spec: RFC 6749 §3.1 ("parameters sent without a value MUST be treated as if they were omitted")
    pub fn value(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The value of a parameter that has to be there.
    pub fn require(&self, name: &str) -> Result<&str, FormError> {
        self.value(name).ok_or_else(|| FormError::Missing(name.to_owned()))
    }

    /// Every value of a parameter that may be repeated, in order, without the empty ones.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let name = name.to_owned();
        self.0.iter().filter(move |(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// `+` is a blank; what no `%XX` is stands for itself.
fn decode(bytes: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = percent_decode(&spaced).decode_utf8();
    text.map(std::borrow::Cow::into_owned).map_err(|_| FormError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 6749 §3.1
    #[test]
    fn a_parameter_sent_twice_is_refused_even_when_both_agree_or_one_is_disguised() {
        for body in ["a=1&a=1", "a=1&b=2&a=", "a=1&%61=2", "redirect_uri=x&redirect_uri=y"] {
            assert!(matches!(Form::parse(body.as_bytes()), Err(FormError::Repeated(_))), "{body}");
        }
    }

    /// Spec: RFC 8707 §2 (`resource` may be there more than once)
    #[test]
    fn only_what_may_be_repeated_may_be_repeated() {
        let form = Form::parse_allowing(b"resource=a&resource=b&scope=x", &["resource"]).unwrap();
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert!(Form::parse_allowing(b"resource=a&scope=x&scope=x", &["resource"]).is_err());
    }

    #[test]
    fn values_are_decoded_once() {
        let form = Form::parse(b"next=%2Fme%3Fa%3D1+2&plus=%2B&pct=%2541&odd=100%&&x").unwrap();
        assert_eq!(form.value("next"), Some("/me?a=1 2"));
        assert_eq!((form.value("plus"), form.value("pct"), form.value("odd")), (Some("+"), Some("%41"), Some("100%")));
    }

    #[test]
    fn an_empty_parameter_counts_as_absent() {
        let form = Form::parse(b"a=&b").unwrap();
        assert_eq!(form.value("a"), None);
        assert_eq!(form.require("b"), Err(FormError::Missing("b".into())));
    }

    #[test]
    fn too_many_parameters_and_other_encodings_are_refused() {
        let many: String = (0..65).map(|at| format!("p{at}=1&")).collect();
        assert_eq!(Form::parse(many.as_bytes()), Err(FormError::TooMany));
        assert_eq!(Form::parse(b"a=%ff%fe"), Err(FormError::NotUtf8));
        assert_eq!(Form::parse(b"a=\xff"), Err(FormError::NotUtf8));
    }
}
