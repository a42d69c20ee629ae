from kinebench.physics.touches import PART_S, Contact, debounce


def contact(time_s, a=1, b=2, impulse=0.1, distance=0.0, speed=0.5):
    return Contact(time_s, a, b, (0.0, 0.0, 0.1), (1.0, 0.0, 0.0), distance, impulse, speed)


def test_flickering_contact_is_one_touch():
    steps = [contact(0.5 + i / 100, impulse=0.1 if i % 3 == 0 else 0.0) for i in range(30)]
    (event,) = debounce(steps)
    assert (event.time_s, event.end_s) == (0.5, steps[-1].time_s)
    assert abs(event.impulse_ns - 1.0) < 1e-9


def test_parting_makes_two_touches():
    events = debounce([contact(0.5), contact(0.5 + PART_S * 1.01)])
    assert [e.time_s for e in events] == [0.5, 0.5 + PART_S * 1.01]


def test_two_points_of_one_step_are_one_touch():
    (event,) = debounce([contact(0.5, impulse=0.1), contact(0.5, impulse=0.3, speed=0.7)])
    assert event.impulse_ns == 0.4 and event.closing_speed_mps == 0.7


def test_nearness_without_pressing_is_no_touch():
    assert debounce([contact(0.5, impulse=0.0, distance=5e-4)]) == ()


def test_touch_starts_when_it_first_presses():
    (event,) = debounce([contact(0.4, impulse=0.0, distance=5e-4), contact(0.45)])
    assert event.time_s == 0.45


def test_pairs_are_apart_and_in_order_of_time():
    events = debounce([contact(0.2, 2, 3), contact(0.2, 1, 3), contact(0.1, 1, 2)])
    assert [(e.a, e.b) for e in events] == [(1, 2), (1, 3), (2, 3)]
