//! Reading a row column by column, in the order the statement names them.

use std::{fmt::Display, str::FromStr};

use crypto::Digest;
use model::Timestamp;
use sqlx::{Any, Decode, Row, Type, any::AnyRow};

use crate::error::StoreError;

/// A row and how far it was read.
pub(crate) struct Columns<'r> {
    row: &'r AnyRow,
    what: &'static str,
    next: usize,
}

impl<'r> Columns<'r> {
    /// Begins at the first column; `what` names the row in errors.
    pub(crate) fn of(what: &'static str, row: &'r AnyRow) -> Self {
        Self { row, what, next: 0 }
    }

    fn take<T: Decode<'r, Any> + Type<Any>>(&mut self) -> Result<T, StoreError> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.take()
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        self.take()
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.take()
    }

    pub(crate) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.take()
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.take().map(Timestamp::from_micros)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    /// 1 for yes; an absent row (of an outer join) is `None`.
    pub(crate) fn optional_flag(&mut self) -> Result<Option<bool>, StoreError> {
        Ok(self.take::<Option<i64>>()?.map(|flag| flag != 0))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        self.take::<i64>().map(|flag| flag != 0)
    }

    /// A number that is never negative.
    pub(crate) fn number<N: TryFrom<i64>>(&mut self) -> Result<N, StoreError> {
        let number: i64 = self.take()?;
        N::try_from(number).map_err(|_| self.unreadable(format!("{number} is out of range")))
    }

    pub(crate) fn optional_number<N: TryFrom<i64>>(&mut self) -> Result<Option<N>, StoreError> {
        let number = self.take::<Option<i64>>()?;
        let out_of_range = |number: i64| self.unreadable(format!("{number} is out of range"));
        number.map(|number| N::try_from(number).map_err(|_| out_of_range(number))).transpose()
    }

    /// A word with a type of its own.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self) -> Result<T, StoreError> {
        self.text()?.parse().map_err(|error: T::Err| self.unreadable(error.to_string()))
    }

    pub(crate) fn optional_parsed<T: FromStr<Err: Display>>(&mut self) -> Result<Option<T>, StoreError> {
        match self.optional_text()? {
            Some(text) => text.parse().map(Some).map_err(|error: T::Err| self.unreadable(error.to_string())),
            None => Ok(None),
        }
    }

    pub(crate) fn digest(&mut self) -> Result<Digest, StoreError> {
        Digest::from_hex(&self.text()?).ok_or_else(|| self.unreadable("a digest is not 64 hex digits"))
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        serde_json::from_str(&self.text()?).map_err(|error| self.unreadable(error.to_string()))
    }

    pub(crate) fn optional_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        let text = self.optional_text()?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| self.unreadable(error.to_string()))).transpose()
    }

    pub(crate) fn unreadable(&self, why: impl Into<String>) -> StoreError {
        StoreError::Unreadable { what: self.what, why: why.into() }
    }
}
