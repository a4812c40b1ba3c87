//! Arrays into another type, field by field name. Knows Arrow and no format.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Fields};

use crate::error::nearest;

/// What becomes of a value that the new type cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// It becomes null.
    Null,
    /// It is an error.
    Refuse,
}

/// `array` as `target`. Structs match by field name (a field that is not there is null), lists and maps by content,
/// everything else is cast.
///
/// # Errors
/// The clause that says what does not fit.
pub fn conform(array: &ArrayRef, target: &DataType, misfit: Misfit) -> Result<ArrayRef, String> {
    if array.data_type() == target {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), target) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let source = array.as_struct();
            let mut children = Vec::with_capacity(fields.len());
            for field in fields {
                let child = match find(source.fields(), field.name()).and_then(|i| source.columns().get(i)) {
                    Some(child) => {
                        conform(child, field.data_type(), misfit).map_err(|e| format!("{}: {e}", field.name()))?
                    }
                    None => new_null_array(field.data_type(), array.len()),
                };
                children.push(child);
            }
            let built = StructArray::try_new_with_length(fields.clone(), children, array.nulls().cloned(), array.len());
            Ok(Arc::new(built.map_err(|e| e.to_string())?))
        }
        (DataType::List(_), DataType::List(item)) => {
            let source = array.as_list::<i32>();
            let values = conform(source.values(), item.data_type(), misfit)?;
            let built = ListArray::try_new(Arc::clone(item), source.offsets().clone(), values, array.nulls().cloned());
            Ok(Arc::new(built.map_err(|e| e.to_string())?))
        }
        (DataType::Map(_, _), DataType::Map(entries, sorted)) => {
            let source = array.as_map();
            let DataType::Struct(pair) = entries.data_type() else {
                return Err("a map's entries are no struct".into());
            };
            let mut children = Vec::with_capacity(2);
            for (child, field) in [source.keys(), source.values()].into_iter().zip(pair) {
                children.push(conform(child, field.data_type(), misfit)?);
            }
            let content = StructArray::try_new(pair.clone(), children, None).map_err(|e| e.to_string())?;
            let offsets = source.offsets().clone();
            let built = MapArray::try_new(Arc::clone(entries), offsets, content, array.nulls().cloned(), *sorted);
            Ok(Arc::new(built.map_err(|e| e.to_string())?))
        }
        _ => {
            let options = CastOptions { safe: misfit == Misfit::Null, ..CastOptions::default() };
            cast_with_options(array, target, &options).map_err(|e| e.to_string())
        }
    }
}

/// The field called `name`: exactly, else the only one that differs in case alone.
pub fn find(fields: &Fields, name: &str) -> Option<usize> {
    if let Some(exact) = fields.iter().position(|f| f.name() == name) {
        return Some(exact);
    }
    let lower = name.to_lowercase();
    let mut same = fields.iter().enumerate().filter(|(_, f)| f.name().to_lowercase() == lower).map(|(i, _)| i);
    same.next().filter(|_| same.next().is_none())
}

/// A hint naming the field that was probably meant.
pub fn suggestion(fields: &Fields, name: &str) -> Option<String> {
    nearest(name, fields.iter().map(|f| f.name().as_str())).map(|n| format!("did you mean \"{n}\"?"))
}
