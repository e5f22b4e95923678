"""A study: a folder of plain files, its settings, its arms, and where everything of it is kept.

study = load_study(Path("examples/wellbeing"), preset="quick")
study.charter, study.values, study.control, study.prompts
"""

from mores.study.arms import ArmKey, arm_keys, slug
from mores.study.config import (
    CapabilityConfig,
    CapabilityTask,
    CooccurrenceConfig,
    ModelSpec,
    RatingConfig,
    SampleConfig,
    ScorerOptions,
    StudyConfig,
    ToxicityConfig,
)
from mores.study.files import study_files
from mores.study.gates import GatesConfig
from mores.study.judges import Judge
from mores.study.start import init
from mores.study.study import Associations, Group, Study, Topic, load_study, settings

__all__ = [
    "ArmKey",
    "Associations",
    "CapabilityConfig",
    "CapabilityTask",
    "CooccurrenceConfig",
    "GatesConfig",
    "Group",
    "Judge",
    "ModelSpec",
    "RatingConfig",
    "SampleConfig",
    "ScorerOptions",
    "Study",
    "StudyConfig",
    "Topic",
    "ToxicityConfig",
    "arm_keys",
    "init",
    "load_study",
    "settings",
    "slug",
    "study_files",
]
