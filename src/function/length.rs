//! `length` and `octet_length` that take bytes too: of text they are DataFusion's own (characters, and bytes of UTF-8), of
//! bytes both are the number of bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// `length(text or bytes)`.
pub fn length() -> ScalarUDF {
    Length::over("length", datafusion::functions::unicode::character_length(), &["char_length", "character_length"])
}

/// `octet_length(text or bytes)`.
pub fn octet_length() -> ScalarUDF {
    Length::over("octet_length", datafusion::functions::string::octet_length(), &[])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Length {
    name: &'static str,
    text: Arc<ScalarUDF>,
    aliases: Vec<String>,
    signature: Signature,
}

impl Length {
    fn over(name: &'static str, text: Arc<ScalarUDF>, aliases: &[&str]) -> ScalarUDF {
        let aliases = aliases.iter().map(ToString::to_string).collect();
        ScalarUDF::from(Length { name, text, aliases, signature: Signature::user_defined(Volatility::Immutable) })
    }
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

impl ScalarUDFImpl for Length {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.text.documentation()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [t] if is_bytes(t) || t.is_string() => Ok(vec![t.clone()]),
            [DataType::Null] => Ok(vec![DataType::Utf8]),
            [DataType::Dictionary(_, value)] if value.is_string() => Ok(vec![value.as_ref().clone()]),
            [other] => plan_err!("{} takes text or bytes, not {}", self.name, crate::types::to_sql(other)),
            _ => plan_err!("{} takes one argument", self.name),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [t] if is_bytes(t) => Ok(DataType::Int32),
            _ => self.text.inner().return_type(types),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            Some(value) if is_bytes(&value.data_type()) => {
                let array = value.to_array(args.number_rows)?;
                Ok(ColumnarValue::Array(Arc::new(byte_lengths(&array)?)))
            }
            _ => self.text.invoke_with_args(args),
        }
    }
}

fn byte_lengths(array: &ArrayRef) -> Result<Int32Array> {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(match array.data_type() {
        // A view's length is in the view: no bytes are touched.
        DataType::BinaryView => {
            let views = array.as_binary_view();
            #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits of a view are its length")]
            let lengths = views.views().iter().map(|v| *v as u32 as i32).collect();
            Int32Array::new(lengths, views.nulls().cloned())
        }
        DataType::Binary => array.as_binary::<i32>().iter().map(|b| b.map(|b| count(b.len()))).collect(),
        DataType::LargeBinary => array.as_binary::<i64>().iter().map(|b| b.map(|b| count(b.len()))).collect(),
        DataType::FixedSizeBinary(n) => {
            let n = *n;
            (0..array.len()).map(|i| array.is_valid(i).then_some(n)).collect()
        }
        other => return exec_err!("a length of {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BinaryArray, BinaryViewArray};

    #[test]
    fn bytes_are_counted_alike_in_every_layout() {
        let rows = vec![Some(b"".as_slice()), None, Some(b"abc"), Some(b"a longer value than twelve bytes")];
        let expect: Int32Array = vec![Some(0), None, Some(3), Some(32)].into();
        let view: ArrayRef = Arc::new(BinaryViewArray::from(rows.clone()));
        let plain: ArrayRef = Arc::new(BinaryArray::from(rows));
        assert_eq!(byte_lengths(&view).unwrap(), expect);
        assert_eq!(byte_lengths(&plain).unwrap(), expect);
    }
}
