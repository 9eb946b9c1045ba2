import time

import numpy as np
import pytest

from stillwatch.bench.measure import Cost, in_process, measured, peak_mib
from stillwatch.bench.scan_speed import opened, run_speed, scale_for
from stillwatch.bench.speed import Speed, Stage, StageClock, growth, speed_tables
from stillwatch.cli.main import main
from stillwatch.errors import InputError


def test_a_process_of_its_own_has_a_peak_of_its_own() -> None:
    ballast = np.ones(40_000_000)  # 305 MiB here, none there
    value, cost = in_process(sum, [1, 2])
    assert value == 3
    assert ballast.nbytes / 2**20 < peak_mib()
    assert cost.peak_mib < peak_mib() - 200


def test_measured_counts_waiting_as_wall_only() -> None:
    _, cost = measured(time.sleep, 0.05)
    assert cost.wall >= 0.05
    assert cost.cpu < 0.04


def test_stages_of_one_name_add_up() -> None:
    clock = StageClock()
    for _ in range(2):
        clock.start("read", None)
        time.sleep(0.01)
        clock.advance(1)
        clock.finish()
    clock.start("links", 3)
    clock.finish()
    assert [stage.name for stage in clock.stages()] == ["read", "links"]
    assert clock.stages()[0].wall >= 0.02
    assert 0 < clock.stages()[0].peak_mib <= peak_mib()


def test_growth_recovers_the_exponent() -> None:
    sizes = [500_000, 1_000_000, 2_000_000]
    speeds = [Speed(n, Cost(1.0, (n / 1e5) ** 1.3, 1.0), []) for n in sizes]
    assert growth(speeds) == pytest.approx(1.3)


def test_tables_show_the_stages_of_the_largest_run() -> None:
    speeds = [
        Speed(2_000_000, Cost(30.0, 40.0, 900.0), [Stage("read", 8.0, 10.0, 700.0)]),
        Speed(500_000, Cost(8.0, 10.0, 400.0), [Stage("read", 2.0, 2.5, 300.0)]),
    ]
    text = speed_tables(speeds)
    assert "| 2,000,000 | 30.0 | 40.0 | 50,000 | 900 |" in text
    assert "| read | 8.0 | 10.0 | 200,000 | 700 | 1.00 |" in text
    assert "| outside stages | | 30.0 | | | |" in text


def test_the_simulator_is_asked_for_no_more_than_the_sizes_need() -> None:
    assert [scale_for(n) for n in (10_000, 500_000, 16_000_000)] == ["small", "medium", "large"]
    with pytest.raises(InputError, match="at most 16,000,000"):
        scale_for(16_000_001)


def test_a_folder_without_traffic_is_one_clear_line(tmp_path) -> None:
    with pytest.raises(InputError, match="give the folder that stillwatch simulate wrote"):
        opened(tmp_path)
    (tmp_path / "events.parquet").write_text("no Parquet")
    with pytest.raises(InputError, match="holds no traffic"):
        run_speed([1000], tmp_path / "speed.md", traffic=tmp_path)


def test_too_few_events_are_refused(tmp_path) -> None:
    words = ["bench", "speed", "--events", "0", "--out", str(tmp_path / "speed.md")]
    assert main(words) == 2
    assert not list(tmp_path.iterdir())
