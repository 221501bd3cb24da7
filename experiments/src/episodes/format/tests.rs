//! What is written is what Parquet's own reader reads.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef,
    cast::AsArray,
    types::{Int32Type, Int64Type},
};
use arrow_schema::{DataType, Field, Schema};
use proptest::prelude::*;

use super::*;

/// What Parquet's own reader makes of a column of `schema`'s only field.
fn read_back(field: Field, rows: usize, levels: &Levels, values: &Values<'_>) -> ArrayRef {
    let schema = Schema::new(vec![field]);
    let schema = FileSchema::of(&schema).unwrap();
    let path = std::path::Path::new("column.parquet");
    let mut file = FileWriter::new(path, Vec::new(), &schema);
    file.column(levels, values).unwrap();
    file.end_group(rows).unwrap();
    let bytes = file.finish("key", "value".into()).unwrap();
    let (text, mut reader) = open(path, bytes, "key").unwrap();
    assert_eq!(text, "value");
    reader.next().unwrap().unwrap().column(0).clone()
}

fn field(data_type: DataType, nullable: bool) -> Field {
    Field::new("x", data_type, nullable)
}

proptest! {
    #[test]
    fn differences_are_read_as_numbers(
        values in prop::collection::vec(prop_oneof![any::<i64>(), -9..9_i64], 1..700),
    ) {
        let levels = Levels::scalars(values.len());
        let mut body = Vec::new();
        delta_i64(&mut body, values.len(), values.iter().copied());
        let array = read_back(
            field(DataType::Int64, false), values.len(), &levels, &Values::delta(&body),
        );
        prop_assert_eq!(array.as_primitive::<Int64Type>().values(), &values[..]);
        let narrow: Vec<i32> = values.iter().map(|&x| x as i32).collect();
        delta_i32(&mut body, &narrow);
        let array = read_back(
            field(DataType::Int32, false), values.len(), &levels, &Values::delta(&body),
        );
        prop_assert_eq!(array.as_primitive::<Int32Type>().values(), &narrow[..]);
    }

    #[test]
    fn places_are_read_as_values(
        size in 1..=256_usize,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..300),
    ) {
        let places: Vec<u8> = picks.iter().map(|pick| pick.index(size) as u8).collect();
        let expected: Vec<i32> = places.iter().map(|&place| i32::from(place) * 7).collect();
        let dictionary: Vec<u8> =
            (0..size as i32).flat_map(|place| (place * 7).to_le_bytes()).collect();
        let levels = Levels::scalars(places.len());
        let mut body = Vec::new();
        for runs in [false, true] {
            if runs {
                let runs = places.iter().map(|&place| (place.into(), 1));
                place_runs(&mut body, size, runs);
            } else {
                place_bytes(&mut body, size, &places);
            }
            let values = Values::places(&body, &dictionary, size);
            let int = field(DataType::Int32, false);
            let array = read_back(int, places.len(), &levels, &values);
            prop_assert_eq!(array.as_primitive::<Int32Type>().values(), &expected[..]);
        }
    }

    #[test]
    fn nulls_and_lists_are_where_they_were_put(
        runs in prop::collection::vec((any::<bool>(), 1..40_usize), 1..20),
        width in 1..80_usize,
    ) {
        let rows: usize = runs.iter().map(|(_, rows)| rows).sum();
        let present: Vec<bool> =
            runs.iter().flat_map(|&(present, rows)| vec![present; rows]).collect();
        let count = present.iter().filter(|present| **present).count();
        let plain = |count: usize| -> Vec<u8> {
            (0..count as i32).flat_map(i32::to_le_bytes).collect()
        };

        let levels = Levels::nullable(runs.iter().copied());
        let body = plain(count);
        let int = field(DataType::Int32, true);
        let array = read_back(int, rows, &levels, &Values::plain(&body));
        let array = array.as_primitive::<Int32Type>();
        let mut next = 0;
        for (row, present) in present.iter().enumerate() {
            prop_assert_eq!(array.is_valid(row), *present);
            if *present {
                prop_assert_eq!(array.value(row), next);
                next += 1;
            }
        }

        if width == 1 {
            return Ok(());
        }
        let item = Arc::new(Field::new("item", DataType::Int32, false));
        let list = DataType::FixedSizeList(item, width as i32);
        for nullable in [false, true] {
            let all = if nullable { count } else { rows };
            let levels = if nullable {
                Levels::nullable_lists(runs.iter().copied(), width)
            } else {
                Levels::lists(rows, width)
            };
            let body = plain(all * width);
            let array =
                read_back(field(list.clone(), nullable), rows, &levels, &Values::plain(&body));
            let array = array.as_fixed_size_list();
            let mut next = 0;
            for (row, present) in present.iter().enumerate() {
                prop_assert_eq!(array.is_valid(row), *present || !nullable);
                if array.is_valid(row) {
                    let values = array.value(row);
                    let values = values.as_primitive::<Int32Type>();
                    let expected: Vec<i32> = (next..next + width as i32).collect();
                    prop_assert_eq!(values.values(), &expected[..]);
                    next += width as i32;
                }
            }
        }
    }
}
