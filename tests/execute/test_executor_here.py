"""This process keeps the contract, too; there is no worker to lose."""

from __future__ import annotations

import executor_contract as contract
import pytest

from mores.execute import executor_of


@pytest.mark.parametrize(
    "holds", [contract.does_tasks_in_order, contract.raises_the_error_of_a_task]
)
def test_this_process_keeps_the_contract_of_executors(holds, tmp_path):
    holds(executor_of("here"), tmp_path)


def test_a_fault_keeps_its_own_traceback(tmp_path):
    with pytest.raises(ZeroDivisionError):
        contract.do(executor_of("here"), tmp_path, [contract.task("odd", "fault")])
