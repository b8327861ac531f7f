from tendigits.numbers.views import Budget


def test_a_budget_pays_for_the_first_jobs_and_a_part_leaves_it_complete():
    budget = Budget(100)
    assert budget.afford([40, 40]) == 2
    with budget.part(30) as part:  # 20 are left
        assert part.afford([5, 20]) == 1
    assert (budget.left, budget.is_short) == (15, False)
    assert budget.afford([6, 6, 2], fraction=0.9) == 2
    assert (budget.left, budget.is_short) == (3, True)
