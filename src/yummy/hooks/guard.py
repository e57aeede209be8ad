from attrs import define
@define
class Guard:
    texts: object
    live_objects: int = 0
    base: int = 10**9
    def begin_calibration(self): pass
    def suspects(self, n): return False
    def examine(self, *a, **k): return None
    def settle(self): pass
