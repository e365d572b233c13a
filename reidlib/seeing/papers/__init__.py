"""The papers' figures, one file a paper: trained models and a data set in, a `Drawn` out."""
