import pytest
import torch

from reidlib.models import build_model
from reidlib.models.backbone import small
from reidlib.models.baseline import Baseline, classifier
from reidlib.models.initialise import initialise
from reidlib.models.output import Output, join


def baseline(**options):
    return initialise(Baseline(small(), 7, frames=4, size=(64, 32), **options), 0).double()


def clips(b=2, t=4, h=32, w=16):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(b, t, 3, h, w, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("b", "t", "h", "w"), [(1, 1, 64, 32), (2, 4, 32, 16), (3, 2, 40, 24)])
def test_averages_over_space_and_time(b, t, h, w):
    model = baseline(frame_classifier=True, neck=False).eval()
    out = model(clips(b, t, h, w))
    maps = out.maps["features"]
    for i in range(b):
        frames = [
            [sum(maps[i, n, c].flatten().tolist()) / maps[i, n, c].numel() for c in range(128)]
            for n in range(t)
        ]
        mean = [sum(f[c] for f in frames) / t for c in range(128)]
        torch.testing.assert_close(
            out.embedding[i], torch.tensor(mean, dtype=torch.float64), atol=1e-10, rtol=0
        )
        torch.testing.assert_close(
            out.heads["frame"][0][i], torch.tensor(frames, dtype=torch.float64), atol=1e-10, rtol=0
        )
    features, logits = out.heads["clip"]
    assert features is out.embedding
    torch.testing.assert_close(logits, features @ model.classifier.weight.T, atol=1e-10, rtol=0)
    assert out.heads["frame"][1].shape == (b, t, 7)
    assert out.penalties == {}


def test_order_of_frames_does_not_matter():
    model = baseline().eval()
    x = clips()
    torch.testing.assert_close(model(x).embedding, model(x.flip(1)).embedding, atol=1e-10, rtol=0)


def test_training_and_evaluation_return_the_same_things():
    model = baseline()
    trained, evaluated = model(clips()), model.eval()(clips())
    assert trained.heads.keys() == evaluated.heads.keys()
    assert trained.maps.keys() == evaluated.maps.keys()


def test_pool_is_the_mean_of_clips():
    embedding = clips(3)[:, 0, 0, 0]
    torch.testing.assert_close(baseline().pool(Output(embedding)), embedding.mean(0))


def test_outputs_join_clip_after_clip():
    model = baseline().eval()
    x = clips(3)
    whole = model(x)
    parts = join([model(x[:1]), model(x[1:])], ("features",))
    torch.testing.assert_close(parts.embedding, whole.embedding, atol=1e-10, rtol=0)
    torch.testing.assert_close(parts.maps["features"], whole.maps["features"], atol=1e-10, rtol=0)


def test_classifier_starts_near_zero():
    layer = initialise(classifier(64, 400, bias=True), 3)
    assert layer.weight.std().item() == pytest.approx(0.001, rel=0.02)
    assert torch.equal(layer.bias, torch.zeros(400))


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no model 'resnet'"):
        build_model("resnet", small(), 3, frames=4, size=(64, 32))
    with pytest.raises(ValueError, match="baseline has no option 'attention'; it has "):
        build_model("baseline", small(), 3, frames=4, size=(64, 32), attention=True)


def test_neck_normalises_over_the_batch():
    model = baseline()
    plain = baseline(neck=False)
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if "neck" not in k})
    v, found = plain(clips(5)).embedding, model(clips(5)).embedding
    expected = torch.empty_like(v)
    for c in range(v.shape[1]):
        column = v[:, c].tolist()
        mean = sum(column) / 5
        variance = sum((x - mean) ** 2 for x in column) / 5
        for i in range(5):
            expected[i, c] = (column[i] - mean) / (variance + 1e-5) ** 0.5
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)
