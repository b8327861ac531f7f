from tendigits.digits.budget import Budget


def test_a_budget_pays_for_the_first_jobs_and_says_when_one_is_left_out():
    budget = Budget(100)
    assert budget.afford([40, 40]) == 2
    assert not budget.is_short
    assert budget.afford([15, 15, 1], fraction=0.9) == 1
    assert budget.is_short
    assert budget.left == 5


def test_a_part_is_paid_by_the_whole_but_what_it_leaves_out_is_not_missing_there():
    budget = Budget(100)
    with budget.part(30) as part:
        assert part.afford([20, 20]) == 1
    assert (budget.left, budget.is_short) == (80, False)
    with budget.part(300) as part:
        assert part.afford([50, 40]) == 1
    assert budget.left == 30
