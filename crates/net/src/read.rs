//! Reading a body into memory, up to a limit.

use bytes::Bytes;

use crate::BodyError;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is longer than allowed.
    #[error("the body is longer than {max} bytes")]
    TooLarge {
        /// The longest allowed, in bytes.
        max: usize,
    },
    /// The connection broke off before its end.
    #[error("the body broke off before its end")]
    Broken(#[source] BodyError),
}

/// The whole of `body`, at most `max` bytes.
pub async fn read_body<B>(_body: B, _max: usize) -> Result<Bytes, ReadError>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    todo!()
}
