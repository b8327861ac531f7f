def test_a_request_finds_its_applications_state(client, store):
    state = client.app.app.app.state.tendigits
    assert state.store is store
    assert state.jobs.last is None
    assert not state.fixed
