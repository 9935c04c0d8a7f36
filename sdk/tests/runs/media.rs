//! Tests files of every kind: a run logs them to a real controller, and the test reads their rows,
//! names and bytes back over gRPC.

use std::{collections::BTreeMap, fs, io::Write as _};

use besom::{
    Audio, BoundingBox, Cell, Column, Domain, Histogram, Html, Image, Layout, Mask, Table, Video,
    VideoLayout, plot,
};
use blobs::Hashed;
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::RowAccessor as _,
};
use proto::v1::{BlobRef, File, RunRef};
use record::Value;
use serde_json::Value as Json;

use crate::real::Real;

fn files(real: &Real, run: &str) -> Vec<File> {
    let mut client = real.dial().files();
    real.block_on(async {
        let mut stream = client.list(RunRef { run: run.to_owned() }).await.unwrap().into_inner();
        let mut files = Vec::new();
        while let Some(file) = stream.message().await.unwrap() {
            files.push(file);
        }
        files
    })
}

/// Returns the bytes of a run's file, after a check against the hash in the list of files.
fn content(real: &Real, run: &str, file: &File) -> Vec<u8> {
    let wanted = BlobRef { run: run.to_owned(), path: file.path.clone(), ..BlobRef::default() };
    let hashed = Hashed { sha256: file.sha256.clone(), size: file.size };
    let (mut out, mut client) = (Vec::new(), real.dial().files());
    real.block_on(blobs::download(client.get(wanted), &hashed, &mut out, |_| {})).unwrap();
    out
}

/// Returns the JSON values of the run's history by key. Panics if a value is not JSON.
fn logged(real: &Real, run: &str) -> BTreeMap<String, Json> {
    let mut values = BTreeMap::new();
    for (key, value) in real.rows(run, "history").into_iter().flat_map(|(_, row)| row.values) {
        let Value::Json(text) = value else { panic!("`{key}` is {value:?}") };
        values.insert(key, serde_json::from_str(&text).unwrap());
    }
    values
}

/// Returns the content of the file that a logged value names.
fn named(real: &Real, run: &str, value: &Json) -> Vec<u8> {
    let all = files(real, run);
    let file = all.iter().find(|file| value["path"] == file.path.as_str()).unwrap();
    assert_eq!(
        (value["sha256"].as_str(), value["size"].as_u64()),
        (Some(file.sha256.as_str()), Some(file.size))
    );
    content(real, run, file)
}

fn pixels(png: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut out = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut out).unwrap();
    out
}

/// Opens the bytes of a Parquet file for reading.
fn parquet(bytes: &[u8]) -> SerializedFileReader<std::fs::File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    SerializedFileReader::new(file).unwrap()
}

#[test]
fn images_come_back_with_their_boxes_and_masks() {
    let real = Real::start();
    let run = real.init().start().unwrap();
    let id = run.id().to_owned();
    let boxed = BoundingBox::new(Domain::Fraction, [0.1, 0.5, 0.2, 0.9], 1).unwrap();
    let mask = Mask::new(1, 2, &[0, 1]).unwrap().class_labels([(0, "sky"), (1, "cat")]);
    let image = Image::from_slice(1, 2, 3, Layout::Chw, &[1, 4, 2, 5, 3, 6]).unwrap();
    let image = image
        .caption("two pixels")
        .boxes("predictions", [boxed.score("confidence", 0.75).caption("cat")]);
    let image = image.masks("truth", mask).class_labels([(1, "cat")]);
    let grey = Image::from_pixels(1, 1, 1, &[9]).unwrap();
    run.log_at(3, [("../val/examples", &image)]);
    besom::log!(run, "several" => vec![image.clone(), grey]);
    besom::log!(run, "hist" => Histogram::of(&[1.0, 2.0, 4.0], 3));
    let finished = run.finish().unwrap();
    assert_eq!((finished.accepted, finished.cut), (3, 0));
    let values = logged(&real, &id);
    let one = &values["../val/examples"];
    assert!(one["path"].as_str().unwrap().starts_with("media/images/val/examples_3_"), "{one}");
    assert_eq!(pixels(&named(&real, &id, one)), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        (&one["_type"], &one["width"], &one["caption"]),
        (&"image-file".into(), &2.into(), &"two pixels".into())
    );
    let boxes = &one["boxes"]["predictions"];
    assert_eq!(
        (&boxes["box_data"][0]["position"]["maxX"], &boxes["class_labels"]["1"]),
        (&0.5.into(), &"cat".into())
    );
    assert_eq!(boxes["box_data"][0]["scores"]["confidence"], 0.75);
    let mask = &one["masks"]["truth"];
    assert_eq!(
        (pixels(&named(&real, &id, mask)), &mask["class_labels"]["0"]),
        (vec![0, 1], &"sky".into())
    );
    let several = &values["several"];
    assert_eq!((&several["_type"], &several["count"]), (&"images".into(), &2.into()));
    assert_eq!(pixels(&named(&real, &id, &several["items"][1])), [9]);
    assert_eq!(values["hist"]["values"], serde_json::json!([1, 1, 1]));
    assert_eq!(
        real.rows(&id, "history").iter().map(|(_, row)| row.step).collect::<Vec<_>>(),
        [3, 4, 5]
    );
}

#[test]
fn tables_are_parquet_far_past_ten_thousand_rows() {
    let real = Real::start();
    let run = real.init().start().unwrap();
    let id = run.id().to_owned();
    let columns = [
        ("step", Column::I64),
        ("loss", Column::F64),
        ("right", Column::Bool),
        ("text", Column::Text),
    ];
    let table = Table::new(columns).unwrap();
    for row in 0..25_000_i64 {
        let loss = if row % 7 == 0 { Cell::Null } else { Cell::from(1.0 / (row + 1) as f64) };
        table
            .add_row([row.into(), loss, Cell::from(row % 2 == 0), Cell::from(format!("row {row}"))])
            .unwrap();
    }
    let seen = Table::new([("image", Column::Image), ("label", Column::I64)]).unwrap();
    seen.add_row([Cell::from(Image::from_pixels(1, 1, 1, &[7]).unwrap()), Cell::from(3)]).unwrap();
    besom::log!(run, "all" => &table, "seen" => seen);
    assert!(table.add_row([Cell::Null, Cell::Null, Cell::Null, Cell::Null]).is_err());
    run.finish().unwrap();
    let values = logged(&real, &id);
    assert_eq!(
        (&values["all"]["rows"], &values["all"]["columns"][1]["type"]),
        (&25_000.into(), &"f64".into())
    );
    let reader = parquet(&named(&real, &id, &values["all"]));
    assert_eq!(reader.metadata().num_row_groups(), 3);
    let mut rows = 0;
    for (number, row) in reader.get_row_iter(None).unwrap().enumerate() {
        let row = row.unwrap();
        assert_eq!(row.get_long(0).unwrap(), number as i64);
        match number % 7 {
            0 => assert!(row.get_double(1).is_err()),
            _ => assert_eq!(
                row.get_double(1).unwrap().to_bits(),
                (1.0 / (number + 1) as f64).to_bits()
            ),
        }
        assert_eq!(
            (row.get_bool(2).unwrap(), row.get_string(3).unwrap()),
            (number % 2 == 0, &format!("row {number}"))
        );
        rows += 1;
    }
    assert_eq!(rows, 25_000);
    let reader = parquet(&named(&real, &id, &values["seen"]));
    let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let image: Json = serde_json::from_str(row.get_string(0).unwrap()).unwrap();
    assert_eq!(pixels(&named(&real, &id, &image)), [7]);
}

#[test]
fn charts_are_a_table_and_a_description() {
    let real = Real::start();
    let run = real.init().start().unwrap();
    let id = run.id().to_owned();
    let points =
        Table::new([("x", Column::F64), ("y", Column::F64), ("name", Column::Text)]).unwrap();
    points.add_row([Cell::from(1.0), Cell::from(2.0), Cell::from("a")]).unwrap();
    besom::log!(run,
        "line" => plot::line(&points, "x", "y", "a line"),
        "scatter" => plot::scatter(&points, "x", "y", "points"),
        "bar" => plot::bar(&points, "name", "y", "bars"),
        "histogram" => plot::histogram(&points, "y", "how often"),
        "series" => plot::line_series(
            &[0.0, 1.0], &[("a", &[1.0, 2.0]), ("b", &[3.0, 4.0])], "two", "step").unwrap(),
        "confusion" => plot::confusion_matrix(&[0, 1, 1], &[0, 1, 0], &["cat", "dog"]).unwrap(),
        "roc" => plot::roc_curve(
            &[0, 1, 1], &[0.9, 0.1, 0.2, 0.8, 0.4, 0.6], &["cat", "dog"]).unwrap(),
        "pr" => plot::pr_curve(
            &[0, 1, 1], &[0.9, 0.1, 0.2, 0.8, 0.4, 0.6], &["cat", "dog"]).unwrap(),
    );
    run.finish().unwrap();
    let values = logged(&real, &id);
    assert_eq!(values.len(), 8);
    for (key, value) in &values {
        assert_eq!(value["_type"], "custom-chart", "{key}");
        assert!(value["spec"]["$schema"].as_str().unwrap().ends_with("vega-lite/v5.json"));
        assert_eq!(
            (&value["spec"]["data"]["name"], &value["table"]["_type"]),
            (&"table".into(), &"table-file".into())
        );
        named(&real, &id, &value["table"]);
    }
    let rows = |key: &str| {
        let reader = parquet(&named(&real, &id, &values[key]["table"]));
        reader.get_row_iter(None).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    let counts: Vec<i64> = rows("confusion").iter().map(|row| row.get_long(2).unwrap()).collect();
    assert_eq!(counts, [1, 0, 1, 1]);
    // The scores separate both classes without a mistake, so the ROC curve goes up first and then
    // to the right.
    let roc: Vec<(f64, f64)> = rows("roc")
        .iter()
        .map(|row| (row.get_double(1).unwrap(), row.get_double(2).unwrap()))
        .collect();
    assert_eq!(roc[..4], [(0.0, 0.0), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)]);
}

#[test]
fn audio_video_pages_and_any_file_come_back() {
    let (real, folder) = (Real::start(), tempfile::tempdir().unwrap());
    let run = real.init().start().unwrap();
    let id = run.id().to_owned();
    let frames: Vec<u8> = (0..3 * 4 * 4 * 3).map(|at| at as u8).collect();
    let weights = folder.path().join("model.bin");
    let large: Vec<u8> = (0..2_000_000_u32).map(|at| (at / 3) as u8).collect();
    besom::log!(run,
        "sound" => Audio::from_samples(&[0.0, 0.5, -0.5], 16_000, 1).unwrap().caption("noise"),
        "moving" => Video::from_frames(&frames, [3, 4, 4, 3], VideoLayout::Thwc, 5).unwrap(),
        "page" => Html::new("<p>hello</p>"),
    );
    fs::write(&weights, "early").unwrap();
    run.save(&weights).unwrap();
    fs::write(&weights, &large).unwrap();
    run.save(&weights).unwrap();
    run.save_as(&weights, "models/best.bin").unwrap();
    for hostile in ["../x", "/x", "", "a\\b"] {
        assert!(run.save_as(&weights, hostile).is_err(), "{hostile:?}");
    }
    assert!(run.save(folder.path().join("nothing")).is_err());
    fs::write(&weights, "late").unwrap();
    run.finish().unwrap();
    let values = logged(&real, &id);
    assert_eq!(&named(&real, &id, &values["sound"])[..4], b"RIFF");
    assert_eq!(
        (&values["sound"]["sample_rate"], &values["sound"]["caption"]),
        (&16_000.into(), &"noise".into())
    );
    assert_eq!(&named(&real, &id, &values["moving"])[..6], b"GIF89a");
    assert_eq!(named(&real, &id, &values["page"]), b"<p>hello</p>");
    let saved =
        files(&real, &id).into_iter().filter(|file| file.kind == "file").collect::<Vec<_>>();
    assert_eq!(
        saved.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
        ["model.bin", "models/best.bin"]
    );
    assert!(saved.iter().all(|file| content(&real, &id, file) == large));
    assert_eq!(fs::read_dir(real.dir().join("runs")).unwrap().count(), 0);
}
