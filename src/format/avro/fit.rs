//! Decoded arrays into columns of the types that [`fields`](super::fields) promises. Knows Arrow, never bytes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, StringBuilder, StructArray, UInt32Array, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, interleave, take};
use arrow::datatypes::{DataType, Fields};

use super::resolve::Fit;
use crate::error::{Error, Result};

impl Fit {
    /// `array` as an array of type `target`.
    ///
    /// # Errors
    /// Only a defect: the plan and what was decoded do not belong together.
    pub(super) fn apply(&self, array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
        match (self, target) {
            (Fit::Null, _) => Ok(new_null_array(target, array.len())),
            (Fit::Cast, _) if array.data_type() == target => Ok(Arc::clone(array)),
            (Fit::Cast, _) => Ok(cast(array, target).map_err(defect)?),
            (Fit::Uuid, _) => uuid(array),
            (Fit::Struct(parts), DataType::Struct(fields)) => record(array, parts, fields),
            (Fit::List(inner), DataType::List(item)) => {
                let list = array.as_list_opt::<i32>().ok_or_else(|| mismatch(array, target))?;
                let values = inner.apply(list.values(), item.data_type())?;
                let list = ListArray::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned());
                Ok(Arc::new(list.map_err(defect)?))
            }
            (Fit::Map(inner), DataType::Map(entries, sorted)) => {
                let map = array.as_map_opt().ok_or_else(|| mismatch(array, target))?;
                let DataType::Struct(pair) = entries.data_type() else { return Err(mismatch(array, target)) };
                let value = pair.last().ok_or_else(|| mismatch(array, target))?;
                let children = vec![Arc::clone(map.keys()), inner.apply(map.values(), value.data_type())?];
                let content = StructArray::try_new(pair.clone(), children, None).map_err(defect)?;
                let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
                let map = MapArray::try_new(Arc::clone(entries), offsets, content, nulls, *sorted);
                Ok(Arc::new(map.map_err(defect)?))
            }
            (Fit::Branch(branch, inner), DataType::Struct(fields)) => {
                let nulls = array.logical_nulls();
                let mut children = Vec::with_capacity(fields.len());
                for (index, field) in fields.iter().enumerate() {
                    children.push(if index == *branch {
                        inner.apply(array, field.data_type())?
                    } else {
                        new_null_array(field.data_type(), array.len())
                    });
                }
                let built = StructArray::try_new_with_length(fields.clone(), children, nulls, array.len());
                Ok(Arc::new(built.map_err(defect)?))
            }
            (Fit::Union(branches), DataType::Struct(fields)) => union(array, branches, fields),
            (Fit::Collapse(branches), _) => collapse(array, branches, target),
            _ => Err(mismatch(array, target)),
        }
    }
}

fn defect(error: arrow::error::ArrowError) -> Error {
    Error::internal(format!("decoded Avro columns do not fit: {error}"))
}

fn mismatch(array: &ArrayRef, target: &DataType) -> Error {
    Error::internal(format!("decoded Avro column of type {} cannot become {target}", array.data_type()))
}

fn record(array: &ArrayRef, parts: &[(usize, Fit)], fields: &Fields) -> Result<ArrayRef> {
    let Some(source) = array.as_struct_opt() else {
        return Err(mismatch(array, &DataType::Struct(fields.clone())));
    };
    let mut children = Vec::with_capacity(fields.len());
    for (field, (index, fit)) in fields.iter().zip(parts) {
        children.push(match (fit, source.columns().get(*index)) {
            (Fit::Null, _) => new_null_array(field.data_type(), array.len()),
            (fit, Some(child)) => fit.apply(child, field.data_type())?,
            (_, None) => return Err(mismatch(array, field.data_type())),
        });
    }
    let nulls = source.nulls().cloned();
    let built = StructArray::try_new_with_length(fields.clone(), children, nulls, array.len());
    Ok(Arc::new(built.map_err(defect)?))
}

fn union(array: &ArrayRef, branches: &[Option<(usize, Fit)>], fields: &Fields) -> Result<ArrayRef> {
    let Some(source) = array.as_union_opt() else {
        return Err(mismatch(array, &DataType::Struct(fields.clone())));
    };
    let mut present = vec![false; array.len()];
    let mut children: Vec<Option<ArrayRef>> = vec![None; fields.len()];
    for (branch, type_id) in branches.iter().zip(0i8..) {
        let Some((target, fit)) = branch else { continue };
        let Some(field) = fields.get(*target) else { continue };
        let values = fit.apply(source.child(type_id), field.data_type())?;
        let indices: UInt32Array = (0..array.len())
            .map(|row| {
                let here = source.type_id(row) == type_id;
                here.then(|| u32::try_from(source.value_offset(row)).ok()).flatten()
            })
            .collect();
        present.iter_mut().zip(indices.iter()).for_each(|(p, i)| *p |= i.is_some());
        let taken = take(&values, &indices, None).map_err(defect)?;
        if let Some(slot) = children.get_mut(*target) {
            *slot = Some(match slot.take() {
                // Two written branches that become the same one: a row has at most one of them.
                Some(before) => {
                    let chosen: Vec<(usize, usize)> =
                        (0..array.len()).map(|row| (usize::from(indices.is_valid(row)), row)).collect();
                    interleave(&[before.as_ref(), taken.as_ref()], &chosen).map_err(defect)?
                }
                None => taken,
            });
        }
    }
    let children: Vec<ArrayRef> = fields
        .iter()
        .zip(children)
        .map(|(field, child)| child.unwrap_or_else(|| new_null_array(field.data_type(), array.len())))
        .collect();
    let nulls = NullBuffer::from(present);
    let built = StructArray::try_new_with_length(fields.clone(), children, Some(nulls), array.len());
    Ok(Arc::new(built.map_err(defect)?))
}

fn collapse(array: &ArrayRef, branches: &[Option<Fit>], target: &DataType) -> Result<ArrayRef> {
    let source = array.as_union_opt().ok_or_else(|| mismatch(array, target))?;
    let null = new_null_array(target, 1);
    let mut pieces: Vec<ArrayRef> = vec![null];
    let mut piece_of: Vec<usize> = Vec::with_capacity(branches.len());
    for (branch, type_id) in branches.iter().zip(0i8..) {
        match branch {
            Some(fit) => {
                piece_of.push(pieces.len());
                pieces.push(fit.apply(source.child(type_id), target)?);
            }
            None => piece_of.push(0),
        }
    }
    let chosen: Vec<(usize, usize)> = (0..array.len())
        .map(|row| {
            let piece = usize::try_from(source.type_id(row)).ok().and_then(|id| piece_of.get(id)).copied().unwrap_or(0);
            if piece == 0 { (0, 0) } else { (piece, source.value_offset(row)) }
        })
        .collect();
    let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    interleave(&pieces, &chosen).map_err(defect)
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
fn uuid(array: &ArrayRef) -> Result<ArrayRef> {
    let source = array.as_fixed_size_binary_opt().ok_or_else(|| mismatch(array, &DataType::Utf8))?;
    let mut text = StringBuilder::with_capacity(source.len(), source.len() * 36);
    let mut one = String::with_capacity(36);
    for bytes in source {
        let Some(bytes) = bytes else {
            text.append_null();
            continue;
        };
        one.clear();
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                one.push('-');
            }
            for digit in [byte >> 4, byte & 15] {
                one.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        text.append_value(&one);
    }
    Ok(Arc::new(text.finish()))
}
