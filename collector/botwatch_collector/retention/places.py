"""How far a walk through a table has come, remembered over interruptions."""

from .. import models


class Place:
    """Before the first row at first. Without a name it is remembered by nobody."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        kept = models.Setting.get_or_none(models.Setting.name == name) if name else None
        self.at = int(kept.value) if kept else -1

    def move(self, at: int) -> None:
        """In the caller's transaction."""
        self.at = at
        if self._name:
            models.Setting.insert(name=self._name, value=str(at)).on_conflict(
                conflict_target=[models.Setting.name], update={models.Setting.value: str(at)}
            ).execute()

    def forget(self) -> None:
        models.Setting.delete().where(models.Setting.name == self._name).execute()
