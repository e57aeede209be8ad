async def test_a_client_of_trio_websocket_is_served(house):
    async with house.websocket() as websocket:
        await websocket.send_message(b"\x81\xa1a\x01")
        assert b"\x81\xa1a\x01" == await websocket.get_message()
        await websocket.send_message('{"a": 1}')
        assert '{"a": 1}' == await websocket.get_message()
    await house.wait_alone()
    assert ["closed"] == house.peers[0].finished


async def test_tls(open_tls_house):
    house = await open_tls_house()
    async with house.websocket() as websocket:
        for size in (0, 1, 125, 126, 16384, 65535):
            await websocket.send_message(b"x" * size)
            assert b"x" * size == await websocket.get_message()
