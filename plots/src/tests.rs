//! Tests the charts as wholes: snapshots of small ones, and odd data in all of them.

use crate::{
    Bar, Bars, Chart, Column, Form, Heading, History, Kind, Lines, Parallel, Picture, Point,
    Section, Series, Slices, Theme, page, png, svg,
};

const HOSTILE: &str = "</title><script>alert(1)</script>\u{1b}[2J\u{202e}evil\0";

fn heading() -> Heading {
    Heading { title: "Best so far".to_owned(), about: "k3x9abcd · 6 trials".to_owned() }
}

fn drawn(chart: &dyn Chart, width: f64, theme: Theme) -> Picture {
    Picture::new(chart, heading(), Form { width: Some(width), height: None, theme, headed: true })
}

fn states(trials: usize) -> Vec<String> {
    let states = ["finished", "finished", "pruned", "failed", "finished", "running"];
    (0..trials).map(|trial| states[trial % states.len()].to_owned()).collect()
}

/// A column of a parameter with two categories.
fn optimizer(trials: usize) -> Column {
    Column {
        name: "optimizer".to_owned(),
        kind: Kind::Category,
        values: (0..trials).map(|trial| (trial % 2) as f64).collect(),
        categories: vec!["adam".to_owned(), "sgd".to_owned()],
        bounds: None,
    }
}

fn rate(trials: usize) -> Column {
    let values = (0..trials).map(|trial| 10_f64.powf(-4.0 + 3.0 * (trial as f64 * 0.37).fract()));
    Column { kind: Kind::Log, bounds: Some((1e-4, 0.1)), ..Column::numbers("lr", values.collect()) }
}

/// The results of some trials, one of which has none.
fn value(trials: usize) -> Column {
    let result = |trial: usize| match trial % 6 {
        3 => f64::NAN,
        _ => 0.2 + 0.7 / (1.0 + trial as f64) + 0.1 * (trial as f64 * 0.71).fract(),
    };
    Column { kind: Kind::Linear, ..Column::numbers("val/loss", (0..trials).map(result).collect()) }
}

fn history(trials: usize) -> History {
    History {
        trials: Column::numbers("trial", (0..trials).map(|trial| trial as f64).collect()),
        value: value(trials),
        states: states(trials),
        counted: states(trials).iter().map(|state| state == "finished").collect(),
        maximize: false,
    }
}

fn parallel(trials: usize) -> Parallel {
    Parallel { columns: vec![rate(trials), optimizer(trials), value(trials)], maximize: false }
}

fn slices(trials: usize) -> Slices {
    Slices {
        parameters: vec![rate(trials), optimizer(trials)],
        value: value(trials),
        states: states(trials),
        ids: (0..trials).map(|trial| format!("k3x9abcd-{trial}")).collect(),
    }
}

fn bars(names: &[&str]) -> Bars {
    let bar = |(at, name): (usize, &&str)| {
        let value = 0.6 / (1 + at) as f64;
        Bar {
            name: (*name).to_owned(),
            value,
            alone: value * 0.8,
            range: (value * 0.7, value * 1.2),
        }
    };
    let bars = names.iter().enumerate().map(bar).collect();
    Bars { bars, weak: None, note: "n = 6, R² = 0.91".to_owned() }
}

fn series(id: &str, points: usize) -> Series {
    let point = |at: usize| {
        let last = 1.0 / (1.0 + at as f64);
        Point { x: at as f64 * 10.0, last, range: (last * 0.9, last * 1.1) }
    };
    Series {
        id: id.to_owned(),
        label: id.to_owned(),
        points: (0..points).map(point).collect(),
        nan_at: vec![25.0],
        infinite_at: vec![(40.0, true)],
        odd: [1, 1, 0],
    }
}

fn lines(series: Vec<Series>) -> Lines {
    let note = Some("2 of 1,000 runs drawn".to_owned());
    Lines { x_name: "step".to_owned(), series, smooth: 0.5, note }
}

#[test]
fn the_history_of_a_sweep() {
    insta::assert_snapshot!(svg(&drawn(&history(6), 420.0, Theme::LIGHT)));
}

#[test]
fn the_importance_of_parameters() {
    insta::assert_snapshot!(svg(&drawn(&bars(&["lr", "batch"]), 420.0, Theme::LIGHT)));
}

#[test]
fn parallel_coordinates() {
    insta::assert_snapshot!(svg(&drawn(&parallel(6), 420.0, Theme::DARK)));
}

#[test]
fn slices_along_parameters() {
    insta::assert_snapshot!(svg(&drawn(&slices(6), 640.0, Theme::LIGHT)));
}

#[test]
fn the_curves_of_runs() {
    let both = vec![series("k3x9abcd-0", 6), series("k3x9abcd-1", 5)];
    insta::assert_snapshot!(svg(&drawn(&lines(both), 420.0, Theme::DARK)));
}

#[test]
fn a_page_of_charts() {
    let form = Form { width: Some(420.0), height: None, theme: Theme::LIGHT, headed: false };
    let missing = Heading { title: "What matters".to_owned(), about: "too few trials".to_owned() };
    let sections = [
        Section::Picture(Picture::new(&bars(&["lr"]), heading(), form)),
        Section::Missing(missing),
    ];
    insta::assert_snapshot!(page(&heading(), &sections, &Theme::LIGHT));
}

#[test]
fn a_png_has_the_drawn_size_and_colours() {
    let picture = Picture::new(
        &history(200),
        heading(),
        Form { width: Some(500.0), height: Some(300.0), theme: Theme::DARK, headed: true },
    );
    let bytes = png(&picture).unwrap();
    assert_eq!(bytes, png(&picture).unwrap(), "the same picture has the same bytes");
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (1000, 600));
    let ground = [0x14, 0x17, 0x1c, 0xff];
    assert_eq!(pixels[..4], ground);
    let drawn = pixels.chunks(4).filter(|pixel| **pixel != ground).count();
    // The marks, the line and the texts cover some of the picture, but not most of it.
    assert!((10_000..300_000).contains(&drawn), "{drawn}");
    // The texts: the title is in the top left corner.
    let is_ink = |x: usize, y: usize| pixels[4 * (y * 1000 + x)] > 0xb0;
    assert!((30..200).any(|x| (30..60).any(|y| is_ink(x, y))));
}

/// Every chart, with this many trials and these names.
fn every(trials: usize, name: &str) -> Vec<Box<dyn Chart>> {
    let named = |column: Column| Column { name: name.to_owned(), ..column };
    let mut hostile = optimizer(trials);
    hostile.categories = vec![name.to_owned(), format!("{name}2")];
    let mut history = history(trials);
    history.value = named(history.value);
    let parallel =
        Parallel { columns: vec![hostile.clone(), named(value(trials))], maximize: true };
    let slices = Slices { parameters: vec![named(hostile)], ..slices(trials) };
    vec![
        Box::new(history),
        Box::new(parallel),
        Box::new(slices),
        Box::new(bars(&vec![name; trials.min(50)])),
        Box::new(Lines {
            x_name: name.to_owned(),
            ..lines((0..trials.min(50)).map(|_| series(name, trials.min(9))).collect())
        }),
    ]
}

#[test]
fn hostile_names_are_texts() {
    for chart in every(6, HOSTILE) {
        let heading = Heading { title: HOSTILE.to_owned(), about: HOSTILE.to_owned() };
        let form = Form { width: Some(400.0), height: None, theme: Theme::LIGHT, headed: true };
        let picture = Picture::new(&*chart, heading.clone(), form);
        let text = svg(&picture);
        assert!(!text.contains("<script") && text.contains("script"), "{text}");
        assert_eq!(text.matches("<title").count(), 1);
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()));
        assert!(!text.contains('\u{202e}'));
        let page = page(&heading, &[Section::Picture(picture)], &Theme::LIGHT);
        assert!(!page.contains("<script") && !page.contains('\u{202e}'));
    }
}

/// Asserts that every shape has a place.
fn assert_placed(text: &str) {
    let shapes = text.lines().filter(|line| !line.starts_with("<text"));
    for shape in shapes {
        assert!(!shape.contains("NaN") && !shape.contains("inf"), "{shape}");
    }
}

#[test]
fn any_number_of_trials_and_any_size_can_be_drawn() {
    for trials in [0, 1, 2, 700, 5000] {
        for (width, height) in [(Some(1.0), Some(1.0)), (Some(300.0), Some(2000.0)), (None, None)] {
            for chart in every(trials, "x") {
                let form = Form { width, height, theme: Theme::DARK, headed: false };
                let picture = Picture::new(&*chart, heading(), form);
                assert_placed(&svg(&picture));
            }
        }
    }
}

#[test]
fn odd_values_can_be_drawn() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -0.0, 5e-324];
    for kept in [&odd[..], &odd[..1], &odd[..3], &odd[3..5], &odd[5..], &[7.0; 9]] {
        for kind in [Kind::Linear, Kind::Log] {
            let column = Column { kind, ..Column::numbers("x", kept.to_vec()) };
            let trials = (0..kept.len()).map(|trial| trial as f64).collect();
            let states = states(kept.len());
            let charts: [&dyn Chart; 3] = [
                &History {
                    trials: Column::numbers("trial", trials),
                    value: column.clone(),
                    states: states.clone(),
                    counted: vec![true; kept.len()],
                    maximize: true,
                },
                &Parallel { columns: vec![column.clone(), column.clone()], maximize: false },
                &Slices {
                    parameters: vec![column.clone()],
                    value: column.clone(),
                    ids: states.clone(),
                    states,
                },
            ];
            for chart in charts {
                let picture = drawn(chart, 500.0, Theme::LIGHT);
                assert_placed(&svg(&picture));
                assert!(png(&picture).is_ok(), "{kept:?}");
            }
        }
    }
}

#[test]
fn many_parameters_make_the_picture_wider() {
    let width = |parameters| {
        let chart = Parallel { columns: vec![value(9); parameters], maximize: false };
        let form = Form { width: None, height: None, theme: Theme::LIGHT, headed: true };
        Picture::new(&chart, heading(), form).size.width
    };
    assert_eq!([width(3), width(20), width(500)], [960.0, 1800.0, 3000.0]);
}

#[test]
fn only_a_trial_that_counts_is_the_best() {
    let mut chart = history(6);
    chart.counted = vec![false, true, false, false, false, false];
    let best = chart.value.values[1];
    let text = svg(&drawn(&chart, 420.0, Theme::LIGHT));
    assert!(text.contains(&format!("best {}", crate::text::number(best, 4))), "{text}");
    chart.counted = vec![false; 6];
    assert!(!svg(&drawn(&chart, 420.0, Theme::LIGHT)).contains(">best "));
}

#[test]
fn a_long_title_stays_inside() {
    let heading = Heading { title: "W".repeat(110), about: "W".repeat(110) };
    let form = Form { width: Some(300.0), height: None, theme: Theme::LIGHT, headed: true };
    let picture = Picture::new(&history(6), heading, form);
    for shape in &picture.shapes[..2] {
        let crate::pen::Shape::Text(text, x, _, style) = shape else { panic!("{shape:?}") };
        let width = crate::font::width(text, style.size, style.bold);
        assert!(x + width <= 300.0, "{text} ends at {}", x + width);
    }
}
