//! Loads a folder of labelled images in MNIST's format as tensors. The image trainers call it. The
//! module downloads nothing. A folder that the user names must have the files. If the default
//! folder is missing, the module fills it with drawn digits (see `digits`).

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use tch::{Device, Kind, Tensor};

use crate::{
    digits,
    idx::{Idx, IdxError},
};

/// A set of labelled images.
#[derive(Debug)]
pub struct Part {
    /// The images: a tensor of shape `[n, 1, height, width]` with floats from 0 to 1.
    pub images: Tensor,
    /// The labels: a tensor of shape `[n]` with the classes 0 to 9 as 64-bit integers.
    pub labels: Tensor,
}

impl Part {
    /// Returns the number of images.
    pub fn len(&self) -> i64 {
        self.labels.numel() as i64
    }

    /// Returns whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the same images on a device.
    pub fn to_device(&self, device: Device) -> Self {
        Self { images: self.images.to_device(device), labels: self.labels.to_device(device) }
    }

    fn slice(&self, start: i64, end: i64) -> Self {
        Self {
            images: self.images.narrow(0, start, end - start),
            labels: self.labels.narrow(0, start, end - start),
        }
    }
}

/// A data set in three parts: for training, for the choice of parameters, and for one final test.
#[derive(Debug)]
pub struct Images {
    /// The images for training: the first five sixths of the training files (50,000 of MNIST).
    pub train: Part,
    /// The images for choosing parameters: the last sixth of the training files.
    pub validation: Part,
    /// The images of the test files. A trainer reports its result on them once, after the training.
    pub test: Part,
}

/// A reason why a set of images cannot be loaded.
#[derive(Debug)]
pub enum ImagesError {
    /// A file does not exist under any of its usual names.
    Missing {
        /// The folder that was searched.
        folder: PathBuf,
        /// The file's original name.
        name: String,
    },
    /// A file cannot be read or is damaged.
    Idx(IdxError),
    /// The files do not fit together, contain a label above 9, or have too few images.
    Mismatch {
        /// The folder with the files.
        folder: PathBuf,
        /// The problem that was found.
        problem: String,
    },
    /// The drawn digits could not be written to this folder.
    Io(PathBuf, io::Error),
}

impl fmt::Display for ImagesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { folder, name } => {
                let folder = folder.display();
                write!(
                    f,
                    "no `{name}` (or `{name}.gz`) in `{folder}`; an image set is four files: \
                    train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, \
                    t10k-labels-idx1-ubyte"
                )
            }
            Self::Idx(error) => error.fmt(f),
            Self::Mismatch { folder, problem } => {
                write!(f, "the files in `{}` do not fit together: {problem}", folder.display())
            }
            Self::Io(path, error) => write!(f, "cannot write `{}`: {error}", path.display()),
        }
    }
}

impl std::error::Error for ImagesError {}

impl Images {
    /// Loads the data set in `folder`. If `folder` is `None`, loads the drawn digits from the
    /// default folder, and writes them first if that folder is missing.
    pub fn load(folder: Option<&Path>) -> Result<Self, ImagesError> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => {
                let folder = digits::default_folder();
                digits::write_once(&folder)
                    .map_err(|error| ImagesError::Io(folder.clone(), error))?;
                folder
            }
        };
        let all = part(&folder, "train")?;
        let test = part(&folder, "t10k")?;
        let held_back = all.len() / 6;
        if held_back == 0 || test.is_empty() {
            return Err(ImagesError::Mismatch {
                folder,
                problem: "there are too few images to split".to_owned(),
            });
        }
        let cut = all.len() - held_back;
        Ok(Self { train: all.slice(0, cut), validation: all.slice(cut, all.len()), test })
    }

    /// Returns the same images on a device.
    pub fn to_device(&self, device: Device) -> Self {
        let [train, validation, test] =
            [&self.train, &self.validation, &self.test].map(|part| part.to_device(device));
        Self { train, validation, test }
    }
}

fn part(folder: &Path, name: &str) -> Result<Part, ImagesError> {
    let images = Idx::read(&find(folder, name, "images", 3)?).map_err(ImagesError::Idx)?;
    let labels = Idx::read(&find(folder, name, "labels", 1)?).map_err(ImagesError::Idx)?;
    let fail = |problem| Err(ImagesError::Mismatch { folder: folder.to_owned(), problem });
    let (&[count, height, width], &[labelled]) = (&images.shape[..], &labels.shape[..]) else {
        return fail(format!(
            "the {name} images have the shape {:?}, the labels {:?}",
            images.shape, labels.shape
        ));
    };
    if count != labelled {
        return fail(format!("there are {count} {name} images but {labelled} labels"));
    }
    if let Some(label) = labels.data.iter().find(|&&label| label > 9) {
        return fail(format!("the {name} labels contain {label}; digits are 0 to 9"));
    }
    let shape = [count, 1, height, width].map(|length| length as i64);
    Ok(Part {
        images: Tensor::from_slice(&images.data).reshape(shape).to_kind(Kind::Float) / 255.0,
        labels: Tensor::from_slice(&labels.data).to_kind(Kind::Int64),
    })
}

/// Finds a file by its original name (`train-images-idx3-ubyte`), or by the name with a dot that
/// some archives use (`train-images.idx3-ubyte`). Each name can end in `.gz`.
fn find(folder: &Path, part: &str, what: &str, dimensions: u8) -> Result<PathBuf, ImagesError> {
    let name = format!("{part}-{what}-idx{dimensions}-ubyte");
    let dotted = format!("{part}-{what}.idx{dimensions}-ubyte");
    let names = [name.clone(), format!("{name}.gz"), dotted.clone(), format!("{dotted}.gz")];
    let found = names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or(ImagesError::Missing { folder: folder.to_owned(), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small_set(folder: &Path, images: usize, labels: &[u8]) -> io::Result<()> {
        for part in ["train", "t10k"] {
            let pixels = Idx { shape: vec![images, 2, 2], data: vec![255; images * 4] };
            pixels.write(&folder.join(format!("{part}-images-idx3-ubyte")))?;
            let labels = Idx { shape: vec![labels.len()], data: labels.to_vec() };
            labels.write(&folder.join(format!("{part}-labels.idx1-ubyte")))?;
        }
        Ok(())
    }

    #[test]
    fn a_folder_becomes_tensors() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        small_set(folder.path(), 12, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])?;
        let set = Images::load(Some(folder.path()))?;
        assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (10, 2, 12));
        assert_eq!(set.train.images.size(), [10, 1, 2, 2]);
        assert_eq!(f64::try_from(set.train.images.max())?, 1.0);
        assert_eq!(Vec::<i64>::try_from(&set.validation.labels)?, [0, 1]);
        Ok(())
    }

    #[test]
    fn errors_name_the_missing_or_wrong_file() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let say = |folder: &Path| Images::load(Some(folder)).expect_err("wrong").to_string();
        assert!(
            say(folder.path())
                .starts_with("no `train-images-idx3-ubyte` (or `train-images-idx3-ubyte.gz`) in")
        );
        small_set(folder.path(), 12, &[1; 11])?;
        assert!(
            say(folder.path())
                .ends_with("do not fit together: there are 12 train images but 11 labels")
        );
        small_set(folder.path(), 12, &[11; 12])?;
        assert!(say(folder.path()).contains("the train labels contain 11"));
        small_set(folder.path(), 3, &[1; 3])?;
        assert!(say(folder.path()).ends_with("too few images to split"));
        Ok(())
    }
}
