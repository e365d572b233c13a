import pickle

import pytest
import torch
from safetensors.torch import save_file

from reidlib.errors import ReidError
from reidlib.models.backbone import small
from reidlib.models.initialise import initialise
from reidlib.weights import digest, load_backbone, read_tensors


@pytest.fixture
def tensors():
    return initialise(small(), 1).state_dict()


@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "module.backbone."])
@pytest.mark.parametrize("wrapping", [None, "state_dict", "model"])
def test_pytorch_files_in_their_usual_wrappings(tmp_path, tensors, prefix, wrapping):
    path = tmp_path / "weights.pth"
    named = {prefix + name: tensor for name, tensor in tensors.items()}
    torch.save({wrapping: named} if wrapping else named, path)
    backbone = initialise(small(), 2)
    assert load_backbone(backbone, read_tensors(path), path.name) == len(tensors)
    assert all(torch.equal(tensors[n], t) for n, t in backbone.state_dict().items())


def test_safetensors(tmp_path, tensors):
    path = tmp_path / "weights.safetensors"
    save_file({n: t.contiguous() for n, t in tensors.items()}, path)
    found = read_tensors(path)
    assert all(torch.equal(tensors[name], found[name]) for name in tensors)
    assert len(digest(path)) == 64


def test_plugins_and_classifiers_are_left_alone(tensors):
    backbone = initialise(small(), 2)
    backbone.plug("layer2", 1, torch.nn.Conv3d(32, 32, 1))
    before = backbone.plugins["layer2_1"].weight.clone()
    extra = {"fc.weight": torch.zeros(3, 3), "plugins.layer2_1.weight": torch.zeros_like(before)}
    load_backbone(backbone, {**tensors, **extra}, "file")
    assert torch.equal(backbone.plugins["layer2_1"].weight, before)
    assert torch.equal(backbone.conv1.weight, tensors["conv1.weight"])


def test_se_blocks_keep_their_start_where_the_file_has_none(tensors):
    backbone = initialise(small(se=True), 2)
    before = {n: t.clone() for n, t in backbone.state_dict().items()}
    load_backbone(backbone, tensors, "file")
    after = backbone.state_dict()
    assert all(torch.equal(after[n], before[n]) for n in after if ".se." in n)
    assert torch.equal(after["layer3.2.conv1.weight"], tensors["layer3.2.conv1.weight"])


def test_another_network_is_named_and_nothing_is_copied(tensors):
    backbone = initialise(small(), 2)
    before = backbone.conv1.weight.clone()
    shorter = {n: t for n, t in tensors.items() if n != "layer4.0.conv1.weight"}
    with pytest.raises(ReidError, match=r"some\.pth has no layer4\.0\.conv1\.weight"):
        load_backbone(backbone, shorter, "some.pth")
    wider = {**tensors, "layer4.0.conv1.weight": torch.zeros(256, 64, 3, 3)}
    with pytest.raises(ReidError, match=r"\(256, 64, 3, 3\) there and \(128, 64, 3, 3\)"):
        load_backbone(backbone, wider, "some.pth")
    assert torch.equal(backbone.conv1.weight, before)


class Trap:
    """Unpickling this would run code."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('code was run')",))


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"no tensors at all", pickle.dumps(Trap(), 2), pickle.dumps({"a": 1}, 2)],
    ids=["empty", "text", "code", "numbers"],
)
def test_what_is_no_table_of_tensors_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReidError, match=name):
        read_tensors(tmp_path / name)


def test_code_inside_a_pytorch_file_is_not_run(tmp_path):
    torch.save({"weight": torch.zeros(1), "trap": Trap()}, tmp_path / "a.pth")
    with pytest.raises(ReidError, match="without code"):
        read_tensors(tmp_path / "a.pth")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ReidError, match=r"no weight file .*gone\.pth"):
        read_tensors(tmp_path / "gone.pth")
