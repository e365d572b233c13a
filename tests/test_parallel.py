"""Two processes against one, in double precision: sums, shares, and batch normalisation."""

import multiprocessing

import pytest
import torch
import torch.distributed as dist
from torch import nn

from reidlib.models.output import Output
from reidlib.parallel import gather, gather_heads, mean, synchronise

WORLD = 2


def share(x, rank):
    return x.chunk(WORLD)[rank]


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4))


def data():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, 2, 2, 2, generator=generator, dtype=torch.float64)


def loss_of(features):
    """Not a mean over clips: it pairs every clip with every other."""
    return (features @ features.T).tanh().sum()


def worker(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=WORLD)
    model = synchronise(network().double())
    features = model(share(data(), rank))
    output = gather_heads(Output(features, {"clip": (features, None), "two": (features,) * 2}))
    loss = loss_of(output.heads["clip"][0])
    loss.backward()
    for parameter in model.parameters():  # what the engine does
        dist.all_reduce(parameter.grad)
        parameter.grad /= WORLD
    bn = model[1]
    evaluated = model.eval()(share(data(), rank))
    labels = gather(share(torch.arange(6), rank))
    found = {
        "loss": loss.detach(),
        "labels": labels,
        "mean": mean(torch.tensor(float(rank))),
        "two": output.heads["two"][1].detach(),
        "running_mean": bn.running_mean,
        "running_var": bn.running_var,
        "batches": bn.num_batches_tracked,
        "evaluated": evaluated.detach(),
        **{name: p.grad for name, p in model.named_parameters()},
    }
    torch.save(found, f"{folder}/{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    context = multiprocessing.get_context("spawn")
    jobs = [context.Process(target=worker, args=(rank, str(folder))) for rank in range(WORLD)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(120)
    assert [job.exitcode for job in jobs] == [0, 0]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]


def close(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_losses_and_gradients_are_those_of_one_process(found):
    model = network().double()
    features = model(data())
    loss = loss_of(features)
    loss.backward()
    for one in found:
        close(one["loss"], loss.detach())
        close(one["two"], features.detach())
        for name, parameter in model.named_parameters():
            close(one[name], parameter.grad)


def test_batch_statistics_are_those_of_one_process(found):
    model = network().double()
    model(data())
    for rank, one in enumerate(found):
        close(one["running_mean"], model[1].running_mean)
        close(one["running_var"], model[1].running_var)
        assert one["batches"] == 1
        close(one["evaluated"], share(model.eval()(data()), rank).detach())
        model.train()


def test_shares_keep_their_order(found):
    for one in found:
        assert one["labels"].tolist() == list(range(6))
        assert one["mean"] == 0.5


def test_one_process_is_left_as_it_is():
    x = torch.randn(3)
    assert gather(x) is x
    assert mean(x) is x
