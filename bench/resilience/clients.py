"""What every kind of client here has in common: so many of them run at once until they are stopped, each ending what it has under way."""
import asyncio


class Clients:
    """Gives `count`, and `_client(number)`, which goes on until `_stop`."""

    _stop = False

    def start(self):
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(self.count)]
        return self

    async def stop(self):
        self._stop = True
        await asyncio.gather(*self._tasks)


class Asking(Clients):
    """Clients that note in `answers` what they got: (time, answer, seconds)."""

    def since(self, moment):
        return [answer for answer in self.answers if answer[0] >= moment]
